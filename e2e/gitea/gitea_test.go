//go:build e2e

// Package gitea_test runs a real Gitea and a real `ebb serve` beside each other.
package gitea_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ebb-ops/ebb/pkg/remedy"
	"github.com/ebb-ops/ebb/pkg/saas/gitea"
)

const hookSecret = "the secret of the webhook"

const policy = `version: 1
functions:
  gitea-repository-visibility:
    mode: enforce
    params:
      owners: [acme*]
      allowed_public: [acme/docs]
`

// ebb is a running `ebb serve`.
type ebb struct {
	url string
	log *log
	cli func(args ...string) *exec.Cmd
}

func startEbb(t *testing.T, f *forge) *ebb {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "ebb")
	t.Log("building ebb")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/ebb-ops/ebb/cmd/ebb").CombinedOutput(); err != nil {
		t.Fatalf("build ebb: %v: %s", err, out)
	}
	file := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	e := &ebb{cli: func(args ...string) *exec.Cmd {
		cmd := exec.Command(binary, append(args, "--data", filepath.Join(dir, "data"), "--policy", file)...)
		// AWS is not there: its functions have nothing to do here.
		cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
			"EBB_GITEA_URL="+f.url, "GITEA_TOKEN="+f.bot, "EBB_GITEA_WEBHOOK_SECRET="+hookSecret)
		return cmd
	}}
	stdout := &log{}
	e.log = spawn(t, e.cli("serve", "--listen", "127.0.0.1:0"), stdout)
	await(t, "ebb says where it serves", func() bool {
		line, _, whole := strings.Cut(stdout.String(), "\n")
		e.url = strings.TrimPrefix(line, "ebb serves on ")
		return whole
	})
	t.Log("ebb serves on " + e.url)
	return e
}

// compliant waits until ebb has looked at a repository and found nothing wrong,
// of which there is no record.
func (e *ebb) compliant(t *testing.T, repo string) {
	t.Helper()
	await(t, repo+" is compliant", func() bool {
		for line := range strings.Lines(e.log.String()) {
			var said struct{ Message, Outcome, Resource string }
			if json.Unmarshal([]byte(line), &said) == nil && said.Message == "handled" && said.Resource == repo && said.Outcome == string(remedy.Compliant) {
				return true
			}
		}
		return false
	})
}

// record waits for the record of what became of a repository.
func (e *ebb) record(t *testing.T, repo string, want remedy.Outcome) (rec remedy.Record) {
	t.Helper()
	await(t, repo+" is "+string(want), func() bool {
		res, err := http.Get(e.url + "/api/records?outcome=" + string(want))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		var page struct{ Records []remedy.Record }
		if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			if r.Resource.ID == repo {
				rec = r
				return true
			}
		}
		return false
	})
	return rec
}

// rest is what of a repository no change of visibility may touch.
func rest(repo object) object {
	out := object{}
	for name, value := range repo {
		switch name {
		case "private", "updated_at", "size": // Gitea writes the last two as it goes
		default:
			out[name] = value
		}
	}
	return out
}

func TestGitea(t *testing.T) {
	f := startForge(t)
	e := startEbb(t, f)
	for _, org := range []string{"acme", "globex"} {
		f.organization(t, org, e.url+"/webhooks/gitea", hookSecret)
	}

	t.Run("a public repository is made private, and an undo makes it public", func(t *testing.T) {
		before := f.create(t, "acme", "plans", false)
		rec := e.record(t, "acme/plans", remedy.Reverted)
		t.Logf("jane made acme/plans public; ebb made it private %s later: record %s", rec.Times.BadFor(), rec.ID)
		after := f.repository(t, "acme", "plans")
		if before["private"] != false || after["private"] != true {
			t.Errorf("private was %v and is %v", before["private"], after["private"])
		}
		if diff := cmp.Diff(rest(before), rest(after)); diff != "" {
			t.Errorf("more has changed (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"PATCH /repos/{owner}/{repo}"}, calls(rec)); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if want := (remedy.Actor{ID: "jane", Name: "jane", Via: "gitea"}); rec.Event.Actor != want {
			t.Errorf("actor = %+v, want %+v", rec.Event.Actor, want)
		}
		if out, err := e.cli("undo", rec.ID, "--reason", "it was meant to be").CombinedOutput(); err != nil {
			t.Fatalf("undo: %v: %s", err, out)
		}
		again := f.repository(t, "acme", "plans")
		if diff := cmp.Diff(rest(before), rest(again)); again["private"] != false || diff != "" {
			t.Errorf("after the undo it is private %v (-before +after):\n%s", again["private"], diff)
		}
		t.Log("ebb undo made it public again")
	})

	t.Run("one that becomes public later is found at the next push", func(t *testing.T) {
		f.create(t, "acme", "notes", true)
		e.compliant(t, "acme/notes")
		f.call(t, "PATCH", "/repos/acme/notes", object{"private": false})
		f.call(t, "POST", "/repos/acme/notes/contents/a.txt", object{"content": "YQ==", "message": "Add a"})
		rec := e.record(t, "acme/notes", remedy.Reverted)
		if rec.Event.Name != "push" || f.repository(t, "acme", "notes")["private"] != true {
			t.Errorf("reverted after a %s; private is %v", rec.Event.Name, f.repository(t, "acme", "notes")["private"])
		}
	})

	t.Run("what the policy allows, or does not watch, stays", func(t *testing.T) {
		for _, repo := range [][2]string{{"acme", "docs"}, {"globex", "site"}} {
			f.create(t, repo[0], repo[1], false)
			e.compliant(t, repo[0]+"/"+repo[1])
			if got := f.repository(t, repo[0], repo[1])["private"]; got != false {
				t.Errorf("%v: private is %v", repo, got)
			}
		}
	})

	t.Run("a fork of a public repository fails, and the record says why", func(t *testing.T) {
		f.call(t, "POST", "/repos/globex/site/forks", object{"organization": "acme", "name": "site-fork"})
		rec := e.record(t, "acme/site-fork", remedy.Failed)
		if !strings.Contains(rec.Reason, "forked from") {
			t.Errorf("reason = %q", rec.Reason)
		}
		if got := f.repository(t, "acme", "site-fork")["private"]; got != false {
			t.Errorf("private is %v", got)
		}
	})

	t.Run("the client", func(t *testing.T) { testClient(t, f) })
}

func calls(rec remedy.Record) (out []string) {
	for _, c := range rec.Changes {
		out = append(out, c.API)
	}
	return out
}

// testClient holds what the small Gitea of other tests does to what a real one
// does.
func testClient(t *testing.T, f *forge) {
	client := func(token string) *gitea.Client {
		settings := map[string]string{"EBB_GITEA_URL": f.url, "GITEA_TOKEN": token}
		c, err := gitea.New(remedy.Env{Getenv: func(name string) string { return settings[name] }})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	bot := client(f.bot)
	id := int64(f.call(t, "POST", "/orgs/globex/repos", object{"name": "old", "auto_init": true})["id"].(float64))
	f.call(t, "PATCH", "/repos/globex/old", object{"name": "new", "archived": true})
	f.call(t, "PUT", "/repos/globex/new/topics", object{"topics": []string{"web"}})
	ref := gitea.Ref{Owner: "globex", Name: "old", ID: id}

	want := gitea.Repository{Owner: "globex", Name: "new", OwnerVisibility: "public", Archived: true, Topics: []string{"web"}}
	got, err := bot.Repository(t.Context(), ref)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("renamed and archived: %v (-want +got):\n%s", err, diff)
	}
	for _, private := range []bool{true, true, false} {
		if err := bot.SetPrivate(t.Context(), ref, "globex", "new", private); err != nil {
			t.Errorf("set private to %v: %v", private, err)
		}
		if got := f.repository(t, "globex", "new")["private"]; got != private {
			t.Errorf("private is %v, want %v", got, private)
		}
	}
	f.call(t, "PATCH", "/orgs/globex", object{"visibility": "limited"})
	if got, err := bot.Repository(t.Context(), ref); err != nil || got.OwnerVisibility != gitea.Limited {
		t.Errorf("of a limited organization: %+v, %v", got, err)
	}
	if _, err := bot.Repository(t.Context(), gitea.Ref{Owner: "globex", Name: "none", ID: 9999}); !errors.Is(err, remedy.ErrGone) {
		t.Errorf("deleted: %v, want gone: the bot is an owner", err)
	}
	hidden := int64(f.call(t, "POST", "/user/repos", object{"name": "diary", "private": true})["id"].(float64))
	if _, err := bot.Repository(t.Context(), gitea.Ref{Owner: "jane", Name: "diary", ID: hidden}); err == nil || errors.Is(err, remedy.ErrGone) {
		t.Errorf("hidden: %v, want an error that leaves it open", err)
	}
	if _, err := client("0000000000000000000000000000000000000000").Repository(t.Context(), ref); err == nil || !strings.Contains(err.Error(), "check GITEA_TOKEN") {
		t.Errorf("with another token: %v", err)
	}
}
