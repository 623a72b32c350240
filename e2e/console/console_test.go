//go:build e2e

// Package console drives the console in a real browser, as people do.
package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ebb-ops/ebb/pkg/console"
	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/report/reporttest"
	"github.com/ebb-ops/ebb/pkg/webconsole/signin/signintest"
)

const tools = "../../.tools/browser"

// driveFor is how long the browser may take for one part.
const driveFor = 5 * time.Minute

// drive runs a part of drive.py and gives what is wrong. EBB_SCREENSHOTS names a
// folder that keeps the pictures.
func drive(t *testing.T, part string, asked map[string]any) {
	t.Helper()
	pictures := os.Getenv("EBB_SCREENSHOTS")
	if pictures == "" {
		pictures = t.TempDir()
	}
	chromium, err := filepath.Abs(filepath.Join(tools, "chromium"))
	if err != nil {
		t.Fatal(err)
	}
	asked["chromium"], asked["screenshots"], asked["part"] = chromium, pictures, part
	in, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), driveFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(tools, "bin", "python"), "drive.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("drive: %v (make tools-browser installs what it needs)", err)
	}
	var wrong []string
	if err := json.Unmarshal(out, &wrong); err != nil {
		t.Fatalf("drive says %q: %v", out, err)
	}
	for _, s := range wrong {
		t.Error(s)
	}
}

func (s *stage) record(event string) remedy.Record {
	s.t.Helper()
	recs, _, err := s.ledger.Records(s.t.Context(), remedy.Query{Limit: 200})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range recs {
		if r.Event.ID == event {
			return r
		}
	}
	s.t.Fatalf("there is no record of %s", event)
	return remedy.Record{}
}

// An operator signs in at the provider, and does all that can be done. A reader
// may only look, and a stranger not even that.
func TestOperator(t *testing.T) {
	t.Parallel()
	s := newStage(t, true)
	s.play(nil)
	letters, err := s.ledger.DeadLetters(t.Context())
	if err != nil || len(letters) != 1 {
		t.Fatalf("dead letters = %v, %v; want one", letters, err)
	}
	undone := s.record("undo-me")
	drive(t, "operator", map[string]any{
		"url": s.url, "issuer": s.issuer, "password": signintest.Password,
		"undo": undone.ID, "exempt": s.record("exempt-me").ID, "letter": letters[0].ID,
	})
	if !s.cloud.isOpen("sg-web") {
		t.Error("the undo did not open the group again")
	}
	if r := s.record("undo-me"); r.UndoneBy == "" {
		t.Error("the record is not undone")
	}
	s.await("the dead letter's event is handled", func() bool { return s.outcome("broken-1") == remedy.Reverted || !s.cloud.isOpen("sg-broken") })
	s.event("exempt-again", "AuthorizeSecurityGroupIngress", "sg-vpn", "sam")
	s.await("the exemption from the page holds", func() bool { return s.outcome("exempt-again") == remedy.Exempt })
	s.event("off-again", "PutBucketPolicy", "another-bucket", "deploy")
	actions, err := s.ledger.Actions(t.Context(), "", 20)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, a := range actions {
		if a.By.ID != "ann@example.com" || a.Reason == "" || a.Result == "" || a.Error != "" {
			t.Errorf("action %+v is not of Ann's with its reason and result", a)
		}
		got[a.Kind] = a.Reason
	}
	for _, kind := range []string{"undo", "exempt", "replay", "mode", "end"} {
		if got[kind] != "because of "+kind {
			t.Errorf("the reason of %s is %q", kind, got[kind])
		}
	}
}

// Every page is legible, and right by axe's rules, on a desk and on a phone,
// with whatever an attacker put into events.
func TestPages(t *testing.T) {
	t.Parallel()
	s := newStage(t, false)
	s.play(reporttest.Hostile())
	letters, err := s.ledger.DeadLetters(t.Context())
	if err != nil || len(letters) != 1 {
		t.Fatalf("dead letters = %v, %v; want one", letters, err)
	}
	drive(t, "pages", map[string]any{
		"url": s.url, "token": operatorToken, "record": s.record("undo-me").ID, "held": s.record("fight-3").ID,
		"hostile": s.record("hostile-0").ID, "letter": letters[0].ID,
	})
}

// The list is live, and all of it can be used without a mouse or a script.
func TestList(t *testing.T) {
	t.Parallel()
	s := newStage(t, false)
	s.play(nil)
	drive(t, "list", map[string]any{"url": s.url, "token": operatorToken})
}

// A record's event is shown as it was received, whatever its sender put into it.
func TestEvent(t *testing.T) {
	t.Parallel()
	s := newStage(t, false)
	s.play(reporttest.Hostile())
	record := s.record("undo-me")
	undo, err := s.host.Undo(t.Context(), record.ID, remedy.Actor{ID: "ann"}, "It was wanted.")
	if err != nil {
		t.Fatal(err)
	}
	s.await("the event is kept", func() bool { return s.hasEvent(record.ID) })
	hostile := map[string]string{}
	for i, text := range reporttest.Hostile() {
		rec := s.record(fmt.Sprintf("hostile-%d", i))
		s.await("the hostile event is kept", func() bool { return s.hasEvent(rec.ID) })
		hostile[rec.ID] = console.Clean(string(encoded(t, text)))
	}
	drive(t, "event", map[string]any{"url": s.url, "record": record.ID, "undo": undo.ID, "hostile": hostile})
}
