package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/ebb-ops/ebb/pkg/cloud/mototest"
	"github.com/ebb-ops/ebb/pkg/ledger/dynamodb"
)

func TestDoctorUsage(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"argument":          {[]string{"doctor", "x"}, `unexpected argument "x"`},
		"stack and table":   {[]string{"doctor", "--stack", "ebb", "--table", "t"}, "--stack finds the parts by itself"},
		"stack and bus":     {[]string{"doctor", "--stack", "ebb", "--bus", "b"}, "--stack finds the parts by itself"},
		"spoke":             {[]string{"doctor", "--spoke", "prod"}, `--spoke "prod": want an account's twelve digits`},
		"one of the spokes": {[]string{"doctor", "--spoke", "111122223333,4444"}, `--spoke "4444"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newWorld(t).run(tt.args...)
			if r.code != exitUsage || r.stdout != "" {
				t.Errorf("exit code %d, stdout %q; want %d and none", r.code, r.stdout, exitUsage)
			}
			contains(t, "stderr", r.stderr, "ebb: ", tt.want)
		})
	}
}

// onMoto gives a world whose AWS is the emulator.
func onMoto(t *testing.T) (*world, mototest.Account) {
	t.Helper()
	account := mototest.New(t)
	w := newWorld(t)
	w.deps.Now = time.Now // AWS's clock is the real one
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"} {
		w.env[name] = account.Env.Setting(name)
	}
	w.env["AWS_ENDPOINT_URL"] = account.Env.AWSEndpoint
	return w, account
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	w, account := onMoto(t)
	if err := dynamodb.CreateTable(t.Context(), awsdynamodb.NewFromConfig(account.Config), "ledger"); err != nil {
		t.Fatal(err)
	}
	r := w.run("doctor", "--table", "ledger", "--bus", "gone")
	if r.code != exitFailed {
		t.Errorf("exit code %d, want %d", r.code, exitFailed)
	}
	contains(t, "stdout", r.stdout, "RESULT", "ok       identity", "failed   table", "deletion protection is off", "There is no such event bus in us-east-1.", "What to do")
	contains(t, "stderr", r.stderr, "checks failed")

	w.env["EBB_TABLE"], w.env["EBB_BUS"] = "ledger", "gone"
	r = w.run("doctor", "--output", "json")
	results := map[string]int{}
	for line := range strings.Lines(r.stdout) {
		var f struct{ Check, Subject, Result, Found, Fix string }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if f.Check == "" || f.Subject == "" || f.Found == "" || (f.Result == "ok") != (f.Fix == "") {
			t.Errorf("finding %+v lacks something", f)
		}
		results[f.Result]++
	}
	if r.code != exitFailed || results["ok"] < 2 || results["failed"] < 3 {
		t.Errorf("exit code %d with %v, want the parts that the environment names to be checked", r.code, results)
	}
}
