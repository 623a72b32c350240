package logs

import (
	"fmt"
	"log/slog"
	"strings"
)

// The settings of the level. The first that is set counts.
const (
	SettingLevel           = "EBB_LOG_LEVEL"
	SettingLambdaLevel     = "AWS_LAMBDA_LOG_LEVEL" // set by Lambda, from the function's ApplicationLogLevel
	SettingPowertoolsLevel = "POWERTOOLS_LOG_LEVEL"
)

// Levels that slog has no name for.
const (
	levelTrace = slog.LevelDebug - 4
	levelFatal = slog.LevelError + 4
)

// Level gives the lowest level that is logged, as the settings name it: trace,
// debug, info, warn or warning, error, fatal or critical, in any case; info
// where none is set. An error says which setting can't be followed, and the
// level holds all the same: info for a value that is no level. Lambda drops
// what is below its own setting, whatever ours is: to ask for more is an error.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
func Level(getenv func(string) string) (slog.Level, error) {
	for _, name := range []string{SettingLevel, SettingLambdaLevel, SettingPowertoolsLevel} {
		value := strings.TrimSpace(getenv(name))
		if value == "" {
			continue
		}
		level, ok := parseLevel(value)
		if !ok {
			return slog.LevelInfo, fmt.Errorf("%s is %q, which is no level: INFO is used; set trace, debug, info, warn, error or fatal", name, cut(value))
		}
		if floor, ok := parseLevel(getenv(SettingLambdaLevel)); ok && level < floor {
			return level, fmt.Errorf("%s is %s, but Lambda drops what is below %s: set the function's ApplicationLogLevel, too",
				name, levelName(level), levelName(floor))
		}
		return level, nil
	}
	return slog.LevelInfo, nil
}

func parseLevel(s string) (slog.Level, bool) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "trace":
		return levelTrace, true
	case "debug":
		return slog.LevelDebug, true
	case "info":
		return slog.LevelInfo, true
	case "warn", "warning":
		return slog.LevelWarn, true
	case "error":
		return slog.LevelError, true
	case "fatal", "critical":
		return levelFatal, true
	}
	return 0, false
}

// levelName gives the name that Lambda filters by; a level between two has the
// lower one's.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelDebug:
		return "TRACE"
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARN"
	case l < levelFatal:
		return "ERROR"
	}
	return "FATAL"
}
