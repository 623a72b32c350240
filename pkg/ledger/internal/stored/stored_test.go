package stored

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/ebb-ops/ebb/pkg/remedy"
)

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.Custom(func(t *rapid.T) json.RawMessage {
			if rapid.Bool().Draw(t, "nil") {
				return nil
			}
			return append(json.RawMessage{}, rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")...)
		})
		want := remedy.Record{
			ID: rapid.String().Draw(t, "id"), Outcome: remedy.Reverted, Reason: rapid.String().Draw(t, "reason"),
			Target: raw.Draw(t, "target"), Before: raw.Draw(t, "before"), After: raw.Draw(t, "after"),
			Attempt: rapid.Int().Draw(t, "attempt"),
			Times:   remedy.Times{Received: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()},
		}
		b, err := EncodeRecord(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeRecord(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}

func TestEncodeRecordLeavesItAlone(t *testing.T) {
	t.Parallel()
	rec := remedy.Record{ID: "r1", Before: json.RawMessage(`1`), After: json.RawMessage(`2`), Target: json.RawMessage(`3`)}
	want := rec
	if _, err := EncodeRecord(rec); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rec); diff != "" {
		t.Errorf("the record has changed (-want +got):\n%s", diff)
	}
}

func FuzzDecodeRecord(f *testing.F) {
	b, err := EncodeRecord(remedy.Record{ID: "r1", Before: json.RawMessage(`{"a": 1}`)})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(b), "", "\n", "{}\n", `{"raw":[1,2,3]}` + "\nabcdef", `{"raw":[-2,0,0]}` + "\n",
		`{"raw":[9223372036854775807,9223372036854775807,2]}` + "\nab", `{"raw":[0,0,0]}` + "\nab",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := DecodeRecord(b)
		if err != nil {
			return
		}
		again, err := EncodeRecord(rec)
		if err != nil {
			t.Fatalf("what was decoded can't be encoded: %v", err)
		}
		got, err := DecodeRecord(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rec, got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}

func FuzzParseCursor(f *testing.F) {
	f.Add(Position{Time(time.Time{}), "r#1"}.Cursor())
	f.Add("")
	f.Add("bm9uc2Vuc2U")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseCursor(s)
		if err != nil {
			return
		}
		if got, err := ParseCursor(p.Cursor()); err != nil || got != p {
			t.Fatalf("got %v and error %v, want %v", got, err, p)
		}
	})
}

func TestTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.Custom(func(t *rapid.T) time.Time {
			zone := time.FixedZone("", 60*rapid.IntRange(-720, 720).Draw(t, "offset"))
			return time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).In(zone)
		})
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		if got := Time(a) < Time(b); got != a.Before(b) {
			t.Fatalf("%s sorts before %s: %v, want %v", Time(a), Time(b), got, a.Before(b))
		}
		got, err := ParseTime(Time(a))
		if err != nil || !got.Equal(a) {
			t.Fatalf("got %s and error %v, want %s", got, err, a)
		}
	})
	if got, err := ParseTime(Time(time.Time{})); err != nil || !got.IsZero() {
		t.Errorf("got %s and error %v, want the zero time", got, err)
	}
}

func TestReached(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	revert := func(id string, ago time.Duration) remedy.Revert { return remedy.Revert{Record: id, At: now.Add(-ago)} }
	limit := func(n int) remedy.Cap { return remedy.Cap{Limit: n, Window: time.Hour} }
	reverts := []remedy.Revert{revert("old", time.Hour), revert("b", 2), revert("c", 2), revert("a", time.Hour-1)}
	in := []remedy.Revert{reverts[2], reverts[1], reverts[3]}
	for name, tt := range map[string]struct {
		cap    remedy.Cap
		record string
		want   *remedy.CapReached
	}{
		"no cap":               {remedy.Cap{}, "new", nil},
		"room":                 {limit(4), "new", nil},
		"full":                 {limit(3), "new", &remedy.CapReached{Kind: "fight", Limit: 3, Window: time.Hour, Count: 3, Recent: in}},
		"over":                 {limit(1), "new", &remedy.CapReached{Kind: "fight", Limit: 1, Window: time.Hour, Count: 3, Recent: in}},
		"counted already":      {limit(1), "a", nil},
		"counted too long ago": {limit(3), "old", &remedy.CapReached{Kind: "fight", Limit: 3, Window: time.Hour, Count: 3, Recent: in}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, Reached("fight", tt.cap, now, tt.record, reverts)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDecodeRecordErrors(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]string{
		"empty":             "",
		"not JSON":          "nonsense\n",
		"a part too long":   `{"raw":[3,-1,-1]}` + "\nab",
		"a negative part":   `{"raw":[-7,-1,-1]}` + "\n",
		"bytes left behind": `{"raw":[1,-1,-1]}` + "\nab",
	} {
		if rec, err := DecodeRecord([]byte(b)); err == nil {
			t.Errorf("%s: got %+v and no error", name, rec)
		}
	}
}
