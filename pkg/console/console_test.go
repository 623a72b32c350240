package console

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/waterfall"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func at(ms int) time.Time {
	return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// reverted is a record with everything in it.
func reverted() remedy.Record {
	return remedy.Record{
		ID: "0123456789abcdef0123", Function: "ec2-security-group", Severity: remedy.High, Mode: remedy.Enforce,
		Outcome: remedy.Reverted, Reason: "Rule sgr-1 opens port 22 to the world. Put back with 2 calls to the nearest compliant state.",
		Event: remedy.EventRef{ID: "e-1", Source: "aws.ec2", Name: "AuthorizeSecurityGroupIngress", Time: at(0), Actor: remedy.Actor{
			Type: "AssumedRole", ID: "arn:aws:sts::111122223333:assumed-role/admin/alice", Name: "admin", Session: "alice", Via: "console.amazonaws.com", IP: "198.51.100.9",
		}},
		Resource: remedy.Ref{
			Type: "AWS::EC2::SecurityGroup", ID: "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0123456789abcdef0",
			Account: "111122223333", Region: "eu-west-1",
		},
		Violations: []remedy.Violation{
			{Rule: "world-open-port", Part: "sgr-1", Message: "Rule sgr-1 opens port 22 to the world (0.0.0.0/0)."},
			{Rule: "world-open-port", Part: "sgr-2", Message: "Rule sgr-2 opens port 3389 to the world (::/0)."},
		},
		Changes: []remedy.AppliedCall{
			{Call: remedy.Call{API: "ec2:RevokeSecurityGroupIngress", Params: map[string]any{"GroupId": "sg-0123456789abcdef0", "SecurityGroupRuleIds": []string{"sgr-1"}}}, At: at(1400)},
			{Call: remedy.Call{API: "ec2:RevokeSecurityGroupIngress"}, Error: "RequestLimitExceeded: slow down"},
		},
		Before:  json.RawMessage(`{"rules":[{"id":"sgr-0","port":443},{"id":"sgr-1","port":22},{"id":"sgr-2","port":3389}],"vpc":"vpc-1","a":1,"b":2,"c":3,"d":4,"e":5}`),
		After:   json.RawMessage(`{"rules":[{"id":"sgr-0","port":443}],"vpc":"vpc-1","a":1,"b":2,"c":3,"d":4,"e":5}`),
		Attempt: 2, UndoneBy: "fedcba98765432100123", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		Exemption: &remedy.Exemption{ID: "x-1", Reason: "A test.", Owner: "ann", Expires: at(0), Resource: "arn:*:sg-1", Tag: "team=web"},
		Cap: &remedy.CapReached{Kind: "fight", Limit: 3, Window: time.Hour, Count: 3, Recent: []remedy.Revert{
			{At: at(-60000), Record: "aaaa", Function: "ec2-security-group", Resource: "sg-1", Actor: remedy.Actor{ID: "bob", Name: "bob"}},
		}},
		Times: remedy.Times{
			Changed: at(0), Received: at(1200), Decided: at(1300), Intent: at(1310), Fixed: at(1400), Verified: at(1390), Recorded: at(1500),
		},
	}
}

func steps() []waterfall.Span {
	us := func(n int) time.Time { return at(1200).Add(time.Duration(n) * time.Microsecond) }
	return []waterfall.Span{
		{ID: "3", Parent: "2", Name: "read", Start: us(10_000), End: us(90_000)},
		{ID: "1", Name: "receive ec2-security-group", Start: us(0), End: us(300_000)},
		{ID: "2", Parent: "1", Name: "handle ec2-security-group", Start: us(500), End: us(299_000)},
		{ID: "5", Parent: "2", Name: "apply", Start: us(110_000), End: us(200_000), Error: "RequestLimitExceeded: \x1b[31mslow down"},
		{ID: "4", Parent: "3", Name: "EC2.DescribeSecurityGroups", Start: us(10_100), End: us(89_900)},
		{ID: "6", Parent: "lost", Name: "verify", Start: us(299_999), End: us(300_000)},
	}
}

func TestRecordGolden(t *testing.T) {
	t.Parallel()
	held := reverted()
	held.Outcome, held.Changes, held.After, held.Times.Fixed = remedy.Held, held.Changes[:1], nil, time.Time{}
	held.Changes[0].At = time.Time{}
	tests := map[string]struct {
		printer Printer
		detail  Detail
	}{
		"record.txt":        {Printer{}, Detail{Record: reverted(), Traces: []waterfall.Trace{{Title: "Trace 4bf92f3577b34da6a3ce929d0e0e4736", Spans: steps()}}, Hint: "To undo: ebb undo x"}},
		"record-narrow.txt": {Printer{Width: 60}, Detail{Record: reverted(), Traces: []waterfall.Trace{{Title: "Trace 4bf92f3577b34da6a3ce929d0e0e4736", Spans: steps()}}}},
		"record-color.txt":  {Printer{Color: true, Width: 120}, Detail{Record: reverted(), Traces: []waterfall.Trace{{Title: "Trace 4bf92f3577b34da6a3ce929d0e0e4736", Spans: steps()}}}},
		"record-held.txt":   {Printer{}, Detail{Record: held, Traces: []waterfall.Trace{{Title: "Trace", Note: "It was not traced."}}}},
		"record-empty.txt":  {Printer{}, Detail{Record: remedy.Record{}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			tt.printer.Out = &b
			if err := tt.printer.Record(tt.detail); err != nil {
				t.Fatal(err)
			}
			golden(t, name, b.Bytes())
		})
	}
}

func TestRecordsGolden(t *testing.T) {
	t.Parallel()
	failed := remedy.Record{ID: "short", Outcome: remedy.Failed, Event: remedy.EventRef{Actor: remedy.Actor{Name: "日本語の名前"}}}
	hostile := reverted()
	hostile.Resource.ID, hostile.Event.Actor.ID = "a\x1b[2Jb\nc\u202e\xff", "tab\there"
	recs := []remedy.Record{reverted(), failed, hostile}
	for name, p := range map[string]Printer{
		"records.txt": {}, "records-80.txt": {Width: 80}, "records-color.txt": {Width: 120, Color: true},
	} {
		var b bytes.Buffer
		p.Out = &b
		if err := p.Records(recs); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{80, 100, 120, 140} {
		var b bytes.Buffer
		p := Printer{Out: &b, Width: width}
		if err := p.Records([]remedy.Record{reverted()}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := cells(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
	}
}

func TestNewWithoutTerminalIsPlain(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	getenv := func(string) string { return "" }
	for _, p := range []*Printer{New(f, getenv), New(&bytes.Buffer{}, getenv)} {
		if p.Color || p.Width != 0 {
			t.Errorf("colour %t, width %d; want neither", p.Color, p.Width)
		}
	}
}

// closedPipe refuses all output.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestOutputErrorsAreGivenBack(t *testing.T) {
	t.Parallel()
	p := Printer{Out: closedPipe{}}
	for name, err := range map[string]error{
		"Record": p.Record(Detail{}), "Records": p.Records(nil), "Functions": p.Functions(nil), "Function": p.Function(Function{}),
		"DeadLetters": p.DeadLetters(nil), "DeadLetter": p.DeadLetter(remedy.DeadLetter{}, ""), "Say": p.Say("x"), "JSON": JSON(closedPipe{}, 1),
	} {
		if err == nil || err.Error() != "write output: file already closed" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
