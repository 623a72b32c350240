package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes the report in its JSON form, indented. schema/report.schema.json
// describes it.
func WriteJSON(w io.Writer, r *Report) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
