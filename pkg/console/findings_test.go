package console

import (
	"bytes"
	"testing"
)

func TestFindings(t *testing.T) {
	t.Parallel()
	found := []Finding{
		{"identity", "eu-west-1", "ok", "arn:aws:sts::111122223333:assumed-role/ops/ann of account 111122223333 asks.", ""},
		{"clock", "this machine", "warning", "It is 12s off AWS's.", "Keep the clock with NTP: what runs here shares leases with the functions."},
		{"table", "ebb-Ledger-1ABCDEFGHIJKL", "failed", "There is no such table in eu-west-1; there is one in us-east-1.", "A ledger must be in its functions' region: set AWS_REGION to the deployment's, or deploy where the table is."},
		{"bus", "ebb\x1b[31m", "ok", "It is there.", ""},
	}
	for name, p := range map[string]*Printer{
		"findings.txt":       {},
		"findings-color.txt": {Width: 80, Color: true},
	} {
		var out bytes.Buffer
		p.Out = &out
		if err := p.Findings(found); err != nil {
			t.Fatal(err)
		}
		golden(t, name, out.Bytes())
	}
	var out bytes.Buffer
	if err := (&Printer{Out: &out}).Findings(found[:1]); err != nil || bytes.Contains(out.Bytes(), []byte("What to do")) {
		t.Errorf("all is well, but it says what to do: %v\n%s", err, &out)
	}
}
