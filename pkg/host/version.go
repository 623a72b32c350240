package host

import "runtime/debug"

// version is set by the linker (-X), so that a build depends on nothing but its
// sources and this name.
var version string

// Version gives the version of this build: the one it was built as, else the
// module's, else the commit's, else "devel".
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "devel"
}
