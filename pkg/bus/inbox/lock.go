//go:build unix

package inbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockName is the file in the data folder that a serving process holds.
const lockName = "lock"

// ErrInUse is wrapped by [Lock] when another process serves from the folder.
var ErrInUse = errors.New("in use by another ebb serve")

// Lock claims data folder dir for one serving process, and makes it if need be.
// The claim ends with release, or with the process, however it ends. The file
// stays behind; without a holder it means nothing.
func Lock(dir string) (release func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	// A bare descriptor: an os.File would be closed, and the lock lost, once
	// nobody refers to it any more.
	fd, err := syscall.Open(filepath.Join(dir, lockName), syscall.O_RDWR|syscall.O_CREAT|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder %s is not writable: %w", dir, err)
	}
	release = func() error { return syscall.Close(fd) }
	if err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("data folder %s is %w%s", dir, ErrInUse, holder(fd))
		} else {
			err = fmt.Errorf("lock data folder %s: %w", dir, err)
		}
		return nil, errors.Join(err, release())
	}
	if err := writePID(fd); err != nil {
		return nil, errors.Join(fmt.Errorf("data folder %s is not writable: %w", dir, err), release())
	}
	return release, nil
}

func writePID(fd int) error {
	if err := syscall.Ftruncate(fd, 0); err != nil {
		return err
	}
	_, err := syscall.Pwrite(fd, []byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder names the process that holds the lock, as far as the file tells.
func holder(fd int) string {
	var line [32]byte
	n, err := syscall.Pread(fd, line[:], 0)
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}
