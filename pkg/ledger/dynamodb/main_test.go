package dynamodb

import (
	"flag"
	"log"
	"os"
	"testing"
)

// TestMain makes the property tests shorter, because the emulator takes
// milliseconds for what SQLite does in microseconds. A flag overrides it.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "25"); err != nil {
		log.Fatal(err)
	}
	os.Exit(m.Run())
}
