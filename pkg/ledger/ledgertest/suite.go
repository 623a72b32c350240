package ledgertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

const function = "test-function"

// t0 has nanoseconds: no ledger may round them.
var t0 = time.Date(2026, 3, 14, 15, 9, 26, 535897932, time.UTC)

// suite is one test on a ledger of its own.
type suite struct {
	*testing.T
	remedy.Ledger
	open func(*testing.T) remedy.Ledger // gives another one
}

// same compares call parameters by their JSON form, which is all that is kept
// of them, and long values at once instead of byte by byte.
var same = cmp.Options{
	cmp.Transformer("JSON", func(c remedy.Call) string {
		b, err := json.Marshal(c)
		if err != nil {
			return err.Error()
		}
		return string(b)
	}),
	cmp.Comparer(func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }),
}

func (s suite) equal(what string, want, got any) {
	s.Helper()
	if diff := cmp.Diff(want, got, same); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (s suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s suite) fails(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("got error %v, want %v", err, want)
	}
}

func (s suite) look(r remedy.Ref, id string) remedy.Known {
	s.Helper()
	known, err := s.Look(s.Context(), function, r, id)
	s.ok(err)
	return known
}

func (s suite) record(id string) remedy.Record {
	s.Helper()
	rec, err := s.Record(s.Context(), id)
	s.ok(err)
	return rec
}

// list gives all records that q selects, and checks that every page but the
// last is full.
func (s suite) list(q remedy.Query) (all []remedy.Record) {
	s.Helper()
	for {
		page, next, err := s.Records(s.Context(), q)
		s.ok(err)
		all = append(all, page...)
		if next == "" {
			return all
		}
		if len(page) != q.Limit {
			s.Fatalf("a page of %d records is not the last one, want %d", len(page), q.Limit)
		}
		q.After = next
	}
}

// content is all that a ledger tells of some resources and records.
type content struct {
	Known       []remedy.Known
	Records     []remedy.Record
	DeadLetters []remedy.DeadLetter
}

// content reads everything about one resource, and every record and dead letter.
func (s suite) content(r remedy.Ref, ids ...string) content {
	s.Helper()
	c := content{Records: s.list(remedy.Query{Limit: 100})}
	for _, id := range ids {
		c.Known = append(c.Known, s.look(r, id))
	}
	letters, err := s.DeadLetters(s.Context())
	s.ok(err)
	for _, d := range letters {
		d, err := s.DeadLetter(s.Context(), d.ID)
		s.ok(err)
		c.DeadLetters = append(c.DeadLetters, d)
	}
	return c
}

// claim looks and intends, which must work, and gives the intent.
func (s suite) claim(rec remedy.Record, now time.Time) remedy.Intent {
	s.Helper()
	in := intent(rec, s.look(rec.Resource, rec.ID), now)
	s.ok(s.Intend(s.Context(), in))
	return in
}

// revert takes a new record from look to finish under the given caps, and
// gives what Intend answered.
func (s suite) revert(id string, r remedy.Ref, now time.Time, blast, fight remedy.Cap) error {
	s.Helper()
	in := intent(pending(id, r), s.look(r, id), now)
	in.Blast, in.Fight = blast, fight
	if err := s.Intend(s.Context(), in); err != nil {
		return err
	}
	s.ok(s.Finish(s.Context(), remedy.Finish{Record: done(in.Record), Owner: in.Lease.Owner, Now: now, Changed: true}))
	return nil
}

func intent(rec remedy.Record, known remedy.Known, now time.Time) remedy.Intent {
	return remedy.Intent{
		Record: rec, Known: known, Now: now,
		Lease: remedy.Lease{Record: rec.ID, Owner: fmt.Sprintf("owner of %s/%d", rec.ID, rec.Attempt), Expires: now.Add(time.Minute)},
	}
}

func ref(n int) remedy.Ref {
	return remedy.Ref{
		Type: "AWS::EC2::SecurityGroup", ID: fmt.Sprintf("arn:aws:ec2:eu-west-1:111122223333:security-group/sg-%d", n),
		Account: "111122223333", Region: "eu-west-1",
	}
}

// pending gives a record with every field that an intent can have.
func pending(id string, r remedy.Ref) remedy.Record {
	return remedy.Record{
		ID: id, Function: function, Severity: remedy.High, Mode: remedy.Enforce, Outcome: remedy.Pending,
		Reason: "Port 22 was opened to <everyone> & \u2028 größer 🌊",
		Event: remedy.EventRef{
			ID: "event of " + id, Source: "aws.ec2", Name: "AuthorizeSecurityGroupIngress", Account: r.Account,
			Actor: remedy.Actor{Type: "AssumedRole", ID: "arn:aws:sts::111122223333:assumed-role/dev/jo", Name: "dev", Session: "jo", Via: "console", IP: "192.0.2.7"},
			Time:  t0.Add(-time.Second),
		},
		Resource:   r,
		Target:     json.RawMessage(`{"group": "sg-1"}`),
		Violations: []remedy.Violation{{Rule: "world-open-port", Part: "sgr-1", Message: "Port 22 is open to 0.0.0.0/0."}},
		Changes: []remedy.AppliedCall{{Call: remedy.Call{
			API: "ec2:RevokeSecurityGroupIngress", Params: map[string]any{"GroupId": "sg-1", "Ids": []string{"sgr-1"}, "Big": int64(1)<<62 + 1},
		}}},
		Before:  json.RawMessage("{ \"rules\":\t[1,2.50,\"<&>\\u00e9é\"]}\n"),
		Attempt: 1,
		TraceID: "0123456789abcdef0123456789abcdef",
		Times:   remedy.Times{Changed: t0.Add(-time.Second), Received: t0, Decided: t0.Add(1), Intent: t0.Add(2), Recorded: t0.Add(2)},
	}
}

// done gives the final form of a pending record.
func done(rec remedy.Record) remedy.Record {
	rec.Outcome, rec.Reason = remedy.Reverted, "The rule was revoked."
	rec.After = json.RawMessage(`{"rules":[]}`)
	rec.Changes = []remedy.AppliedCall{{Call: rec.Changes[0].Call, At: t0.Add(3)}}
	rec.Times.Fixed, rec.Times.Verified, rec.Times.Recorded = t0.Add(3), t0.Add(4), t0.Add(5)
	return rec
}

// failed gives the final form of a pending record that came to nothing.
func failed(rec remedy.Record) remedy.Record {
	rec.Outcome, rec.Reason, rec.Error = remedy.Failed, "Access was denied.", "AccessDenied"
	rec.Times.Recorded = t0.Add(6)
	return rec
}
