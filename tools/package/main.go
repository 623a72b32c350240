// Command package makes of each built function the zip that Lambda takes:
//
//	package DIST FOLDER/ARCH...
//
// DIST/FOLDER/ARCH holds what goes into DIST/FOLDER-ARCH.zip. The same files
// give the same bytes, whenever and by whomever they were built. DIST/SHA256SUMS
// lists the zips as sha256sum -c reads it.
package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: package DIST FOLDER/ARCH...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}

func run(dist string, builds []string) error {
	builds = slices.Sorted(slices.Values(builds))
	sums := make([]string, len(builds))
	var group errgroup.Group
	group.SetLimit(runtime.NumCPU())
	for i, b := range builds {
		group.Go(func() error {
			folder, arch, ok := strings.Cut(b, "/")
			if !ok {
				return fmt.Errorf("%q is not of the form FOLDER/ARCH", b)
			}
			raw, err := pack(filepath.Join(dist, folder, arch))
			if err != nil {
				return err
			}
			name := folder + "-" + arch + ".zip"
			sums[i] = fmt.Sprintf("%x  %s\n", sha256.Sum256(raw), name)
			return os.WriteFile(filepath.Join(dist, name), raw, 0o644)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dist, "SHA256SUMS"), []byte(strings.Join(sums, "")), 0o644)
}

// pack gives the zip of the files in dir. Their own times and modes are not in
// it: every time is the earliest that a zip knows, and every file may be run.
func pack(dir string) ([]byte, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("%w; run make build-functions", err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name())) // #nosec G304 -- what was built
		if err != nil {
			return nil, err
		}
		header := &zip.FileHeader{Name: e.Name(), Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		header.SetMode(0o755)
		w, err := z.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(raw); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
