package bus

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// recorded gives the recorded events by file name.
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded events: %v", err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimPrefix(filepath.ToSlash(f), "testdata/")] = data
	}
	return out
}

func TestDecodeRecorded(t *testing.T) {
	t.Parallel()
	type result struct {
		Event     *remedy.Event `json:"event,omitempty"`
		ErrorCode string        `json:"error_code,omitempty"`
		Error     string        `json:"error,omitempty"`
	}
	got := map[string]result{}
	for name, body := range recorded(t) {
		ms, err := DecodeAll(body)
		if err != nil {
			got[name] = result{Error: err.Error()}
			continue
		}
		if len(ms) != 1 {
			t.Errorf("%s: got %d events, want 1", name, len(ms))
			continue
		}
		ev := ms[0].Event
		if !json.Valid(ev.Detail) || !strings.Contains(string(body), string(ev.Detail)) {
			t.Errorf("%s: the detail is not the source's own: %s", name, ev.Detail)
		}
		ev.Detail = nil
		got[name] = result{Event: &ev, ErrorCode: ms[0].ErrorCode}
	}
	const golden = "testdata/decoded.golden.json"
	if *update {
		out, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, append(out, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]result
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("decoded (-want +got):\n%s", d)
	}
}

// call gives an EventBridge event around a record.
func call(record string) string {
	return `{"version":"0","id":"env-1","detail-type":"AWS API Call via CloudTrail","source":"aws.ec2","account":"111122223333",` +
		`"time":"2026-01-02T03:04:06Z","region":"eu-west-1","resources":[],"detail":` + record + `}`
}

func TestDecodeActor(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		identity string
		want     remedy.Actor
	}{
		"iam_user": {
			`{"type":"IAMUser","principalId":"AIDA1","arn":"arn:aws:iam::1:user/alice","accountId":"1","userName":"alice"}`,
			remedy.Actor{Type: "IAMUser", ID: "arn:aws:iam::1:user/alice", Name: "alice", Via: "agent", IP: "192.0.2.1"},
		},
		"assumed_role": {
			`{"type":"AssumedRole","principalId":"AROA1:alice","arn":"arn:aws:sts::1:assumed-role/admin/alice@example.com",
			  "sessionContext":{"sessionIssuer":{"type":"Role","userName":"admin"},"attributes":{}}}`,
			remedy.Actor{Type: "AssumedRole", ID: "arn:aws:sts::1:assumed-role/admin/alice@example.com", Name: "admin", Session: "alice@example.com", Via: "agent", IP: "192.0.2.1"},
		},
		"assumed_role_without_an_arn": {
			`{"type":"AssumedRole","principalId":"AROA1:alice","accountId":"1"}`,
			remedy.Actor{Type: "AssumedRole", ID: "AROA1:alice", Session: "alice", Via: "agent", IP: "192.0.2.1"},
		},
		"session_of_unknown_type": {
			`{"type":"Unknown","arn":"arn:aws:sts::1:assumed-role/admin/alice"}`,
			remedy.Actor{Type: "Unknown", ID: "arn:aws:sts::1:assumed-role/admin/alice", Session: "alice", Via: "agent", IP: "192.0.2.1"},
		},
		"federated_user": {
			`{"type":"FederatedUser","arn":"arn:aws:sts::1:federated-user/Bob","sessionContext":{"sessionIssuer":{"type":"IAMUser","userName":"broker"}}}`,
			remedy.Actor{Type: "FederatedUser", ID: "arn:aws:sts::1:federated-user/Bob", Name: "broker", Session: "Bob", Via: "agent", IP: "192.0.2.1"},
		},
		"root": {
			`{"type":"Root","principalId":"1","arn":"arn:aws:iam::1:root","accountId":"1"}`,
			remedy.Actor{Type: "Root", ID: "arn:aws:iam::1:root", Name: "root", Via: "agent", IP: "192.0.2.1"},
		},
		"aws_service": {
			`{"type":"AWSService","invokedBy":"autoscaling.amazonaws.com"}`,
			remedy.Actor{Type: "AWSService", ID: "autoscaling.amazonaws.com", Name: "autoscaling.amazonaws.com", Via: "autoscaling.amazonaws.com", IP: "192.0.2.1"},
		},
		"service_on_a_users_behalf": {
			`{"type":"IAMUser","arn":"arn:aws:iam::1:user/alice","userName":"alice","invokedBy":"cloudformation.amazonaws.com"}`,
			remedy.Actor{Type: "IAMUser", ID: "arn:aws:iam::1:user/alice", Name: "alice", Via: "cloudformation.amazonaws.com", IP: "192.0.2.1"},
		},
		"another_account": {
			`{"type":"AWSAccount","principalId":"AIDA2","accountId":"444455556666"}`,
			remedy.Actor{Type: "AWSAccount", ID: "AIDA2", Via: "agent", IP: "192.0.2.1"},
		},
		"identity_center_user": {
			`{"type":"IdentityCenterUser","accountId":"1","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::1:identitystore/d-1"}}`,
			remedy.Actor{Type: "IdentityCenterUser", ID: "u-1", Via: "agent", IP: "192.0.2.1"},
		},
		"null": {`null`, remedy.Actor{Via: "agent", IP: "192.0.2.1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := Decode([]byte(call(`{"eventID":"e-1","eventName":"RunInstances","userAgent":"agent","sourceIPAddress":"192.0.2.1","userIdentity":` + tt.identity + `}`)))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, m.Event.Actor); d != "" {
				t.Errorf("actor (-want +got):\n%s", d)
			}
		})
	}
}

func TestDecodeFillsFromRecordThenEnvelope(t *testing.T) {
	t.Parallel()
	var (
		envTime = time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)
		recTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	)
	tests := map[string]struct {
		payload string
		want    Message
	}{
		"record_first": {
			call(`{"eventID":"e-1","eventName":"RunInstances","awsRegion":"us-east-1","eventTime":"2026-01-02T03:04:05Z","recipientAccountId":"9","errorCode":"Client.UnauthorizedOperation"}`),
			Message{
				ErrorCode: "Client.UnauthorizedOperation",
				Event: remedy.Event{ID: "e-1", Source: "aws.ec2", Name: "RunInstances", Account: "111122223333", Region: "us-east-1", Time: recTime,
					Detail: json.RawMessage(`{"eventID":"e-1","eventName":"RunInstances","awsRegion":"us-east-1","eventTime":"2026-01-02T03:04:05Z","recipientAccountId":"9","errorCode":"Client.UnauthorizedOperation"}`)},
			},
		},
		"envelope_where_the_record_is_silent": {
			call(`{"eventName":"RunInstances"}`),
			Message{Event: remedy.Event{ID: "env-1", Source: "aws.ec2", Name: "RunInstances", Account: "111122223333", Region: "eu-west-1", Time: envTime,
				Detail: json.RawMessage(`{"eventName":"RunInstances"}`)}},
		},
		"account_of_the_trail_without_one_in_the_envelope": {
			`{"id":"1","source":"aws.s3","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"A","recipientAccountId":"2","userIdentity":{"accountId":"3","type":"Root","arn":"r"}}}`,
			Message{Event: remedy.Event{ID: "1", Source: "aws.s3", Name: "A", Account: "2", Actor: remedy.Actor{Type: "Root", ID: "r", Name: "root"},
				Detail: json.RawMessage(`{"eventName":"A","recipientAccountId":"2","userIdentity":{"accountId":"3","type":"Root","arn":"r"}}`)}},
		},
		"account_of_the_caller_as_a_last_resort": {
			`{"id":"1","source":"aws.s3","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"A","userIdentity":{"accountId":"3"}}}`,
			Message{Event: remedy.Event{ID: "1", Source: "aws.s3", Name: "A", Account: "3", Actor: remedy.Actor{ID: "3"},
				Detail: json.RawMessage(`{"eventName":"A","userIdentity":{"accountId":"3"}}`)}},
		},
		"epoch_seconds_as_an_emulator_writes_them": {
			`{"id":"1","source":"aws.x","detail-type":"Y","time":1767323046.5}`,
			Message{Event: remedy.Event{ID: "1", Source: "aws.x", Name: "Y", Time: envTime.Add(500 * time.Millisecond)}},
		},
		"escaped_names_and_values": {
			`{"i\u0064":"1","source":"aws.x","detail-type":"caf\u00e9 \ud83d\ude00"}`,
			Message{Event: remedy.Event{ID: "1", Source: "aws.x", Name: "café 😀"}},
		},
		"the_last_of_two_members_counts": {
			`{"id":"1","id":"2","source":"aws.x","detail-type":"Y"}`,
			Message{Event: remedy.Event{ID: "2", Source: "aws.x", Name: "Y"}},
		},
		"the_last_of_two_objects_counts_whole": {
			call(`{"eventName":"A","userIdentity":{"type":"Root","arn":"r"},"userIdentity":{"accountId":"3"}}`),
			Message{Event: remedy.Event{ID: "env-1", Source: "aws.ec2", Name: "A", Account: "111122223333", Region: "eu-west-1", Time: envTime, Actor: remedy.Actor{ID: "3"},
				Detail: json.RawMessage(`{"eventName":"A","userIdentity":{"type":"Root","arn":"r"},"userIdentity":{"accountId":"3"}}`)}},
		},
		"names_match_exactly": {
			`{"id":"1","ID":"2","source":"aws.x","Source":7,"detail-type":"Y"}`,
			Message{Event: remedy.Event{ID: "1", Source: "aws.x", Name: "Y"}},
		},
		"half_a_surrogate_pair": {
			`{"id":"\ud800\u0041","source":"aws.x","detail-type":"Y"}`,
			Message{Event: remedy.Event{ID: "\ufffdA", Source: "aws.x", Name: "Y"}},
		},
		"bare_record_with_the_white_space_around_it": {
			" {\"eventName\":\"A\",\"eventSource\":\"s3.amazonaws.com\",\"eventID\":\"1\"}\n",
			Message{Event: remedy.Event{ID: "1", Source: "aws.s3", Name: "A",
				Detail: json.RawMessage(" {\"eventName\":\"A\",\"eventSource\":\"s3.amazonaws.com\",\"eventID\":\"1\"}\n")}},
		},
		"detail_without_the_white_space_around_it": {
			"\n {\"id\":\"1\",\"source\":\"aws.x\",\"detail-type\":\"Y\",\"detail\" : { \"a\" : 1 } } ",
			Message{Event: remedy.Event{ID: "1", Source: "aws.x", Name: "Y", Detail: json.RawMessage("{ \"a\" : 1 }")}},
		},
		"cloudtrail_type_from_outside_aws_is_taken_for_nothing_more": {
			`{"id":"1","source":"acme","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"A"}}`,
			Message{Event: remedy.Event{ID: "1", Source: "acme", Name: "AWS API Call via CloudTrail", Detail: json.RawMessage(`{"eventName":"A"}`)}},
		},
		"member_ebb_means_nothing_from_aws": {
			`{"id":"1","source":"aws.x","detail-type":"Y","detail":{"ebb":{"id":"2"}}}`,
			Message{Event: remedy.Event{ID: "1", Source: "aws.x", Name: "Y", Detail: json.RawMessage(`{"ebb":{"id":"2"}}`)}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Payload = []byte(tt.payload)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("message (-want +got):\n%s", d)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	good := call(`{"eventID":"e-1","eventName":"RunInstances","userIdentity":{"type":"Root"}}`)
	tests := map[string]struct {
		payload string
		kind    error
		says    string
	}{
		"empty":                     {``, ErrTruncated, "byte 0"},
		"truncated_in_a_string":     {good[:40], ErrTruncated, "the text ends at byte 40"},
		"truncated_before_the_end":  {good[:len(good)-1], ErrTruncated, "the text ends at byte 266"},
		"truncated_in_an_escape":    {`{"id":"\u00`, ErrTruncated, "the text ends at byte 11"},
		"no_json":                   {`hello`, ErrSyntax, "'h' looking for beginning of value, at byte 0"},
		"text_after_the_end":        {good + `{}`, ErrSyntax, "the end"},
		"trailing_comma":            {`{"id":"1",}`, ErrSyntax, "object key string, at byte 10"},
		"bad_escape":                {`{"id":"\x12"}`, ErrSyntax, "string escape code, at byte 8"},
		"raw_control_character":     {"{\"id\":\"a\nb\"}", ErrSyntax, `'\n' in string literal, at byte 8`},
		"bad_number":                {`{"n":01}`, ErrSyntax, "'1' after object key:value pair, at byte 6"},
		"not_utf8":                  {"{\"id\":\"\xff\"}", ErrNotUTF8, "0xff at byte 7"},
		"too_deep":                  {call(`{"a":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`), ErrTooDeep, "64 levels"},
		"far_too_deep":              {strings.Repeat("[", MaxEvent), ErrTooDeep, "64 levels"},
		"too_large":                 {call(`{"a":"` + strings.Repeat("a", MaxEvent) + `"}`), ErrTooLarge, "at most 1064960"},
		"an_array":                  {`[]`, ErrWrongType, "the event is an array, want an object"},
		"a_string":                  {`"x"`, ErrWrongType, "the event is a string"},
		"id_is_a_number":            {`{"id":7,"source":"aws.x","detail-type":"Y"}`, ErrWrongType, "id is a number, want a string"},
		"time_is_no_time":           {`{"id":"7","source":"aws.x","detail-type":"Y","time":"yesterday"}`, ErrWrongType, `time is "yesterday"`},
		"time_is_out_of_range":      {`{"id":"7","source":"aws.x","detail-type":"Y","time":1e300}`, ErrWrongType, "time is 1e300"},
		"detail_is_a_string":        {call(`"{}"`), ErrWrongType, "detail is a string, want an object"},
		"detail_is_null":            {call(`null`), ErrWrongType, "detail is null"},
		"event_name_is_an_object":   {call(`{"eventName":{}}`), ErrWrongType, "eventName is an object"},
		"identity_is_a_string":      {call(`{"eventName":"A","userIdentity":"root"}`), ErrWrongType, "userIdentity is a string, want an object"},
		"issuer_is_a_list":          {call(`{"eventName":"A","userIdentity":{"sessionContext":{"sessionIssuer":[]}}}`), ErrWrongType, "userIdentity.sessionContext.sessionIssuer is an array"},
		"no_source":                 {`{"id":"1","detail-type":"Y"}`, ErrMissing, "no source"},
		"no_detail_type":            {`{"id":"1","source":"aws.x"}`, ErrMissing, "no detail-type"},
		"no_id":                     {`{"source":"aws.x","detail-type":"Y"}`, ErrMissing, "no id"},
		"id_is_null":                {`{"id":null,"source":"aws.x","detail-type":"Y"}`, ErrMissing, "no id"},
		"no_detail":                 {`{"id":"1","source":"aws.x","detail-type":"AWS API Call via CloudTrail"}`, ErrMissing, "no detail"},
		"no_event_name":             {call(`{"eventID":"1"}`), ErrMissing, "no eventName"},
		"bare_record_without_an_id": {`{"eventName":"A","eventSource":"s3.amazonaws.com"}`, ErrMissing, "no id"},
		"bare_record_of_nobody":     {`{"eventName":"A","eventID":"1"}`, ErrMissing, "no source"},
		"ebb_is_a_string":           {`{"id":"1","source":"github","detail-type":"push","detail":{"ebb":"x"}}`, ErrWrongType, "detail.ebb"},
		"ebb_without_an_id":         {`{"id":"1","source":"github","detail-type":"push","detail":{"ebb":{}}}`, ErrMissing, "no id in detail.ebb"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode([]byte(tt.payload))
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got error %v, want one that is %q and says %q", err, tt.kind, tt.says)
			}
			if !remedy.IsPermanent(err) {
				t.Errorf("error %v is not permanent", err)
			}
			if d := cmp.Diff(Message{}, got); d != "" {
				t.Errorf("message beside an error (-want +got):\n%s", d)
			}
		})
	}
}

func TestDecodeTakesTheDeepestAllowed(t *testing.T) {
	t.Parallel()
	n := MaxDepth - 2 // below the envelope and the detail
	if _, err := Decode([]byte(call(`{"eventName":"A","a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`))); err != nil {
		t.Error(err)
	}
}

func BenchmarkDecode(b *testing.B) {
	record := recorded(b)["traildiscover/EC2-AuthorizeSecurityGroupIngress.json"]
	parts, err := Split(record)
	if err != nil {
		b.Fatal(err)
	}
	payload := []byte(call(string(parts[0])))
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(payload); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDecodeTellsWhatIsNotTheFirstTime(t *testing.T) {
	t.Parallel()
	scheduled, err := Encode(remedy.Event{ID: "s1", Source: ScheduleSource, Name: "sweep"}, map[string]string{"traceparent": "00-1-2-01"})
	if err != nil {
		t.Fatal(err)
	}
	input, err := scheduled.Envelope("s1", "111122223333", "eu-west-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	record := `{"eventID":"1","eventName":"X","eventSource":"ec2.amazonaws.com"}`
	for name, tt := range map[string]struct {
		payload string
		want    bool
	}{
		"delivered":             {call(record), false},
		"a record alone":        {record, false},
		"replayed":              {strings.Replace(call(record), `"region"`, `"replay-name":"march","region"`, 1), true},
		"a replay without name": {strings.Replace(call(record), `"region"`, `"replay-name":null,"region"`, 1), true},
		"a schedule's input":    {string(input), true},
		"a rule's schedule":     {`{"id":"1","source":"aws.events","detail-type":"Scheduled Event","detail":{}}`, true},
		"another event of AWS":  {`{"id":"1","source":"aws.ec2","detail-type":"EC2 Instance State-change Notification","detail":{}}`, false},
	} {
		m, err := Decode([]byte(tt.payload))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if m.Again != tt.want {
			t.Errorf("%s: Again = %t, want %t", name, m.Again, tt.want)
		}
	}
}
