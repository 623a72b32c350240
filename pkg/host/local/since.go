package local

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseSince takes a duration that counts back from now (also in days, 7d), a
// date in UTC, or a time in RFC 3339.
func ParseSince(s string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("since %q: want a duration such as 24h or 7d, a date such as 2026-11-21, or a time such as 2026-11-21T09:00:00Z", s)
}
