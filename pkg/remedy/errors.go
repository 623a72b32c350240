package remedy

import "errors"

// ErrGone is returned by Read and Apply when the resource no longer exists.
// It is never a failure: there is nothing left to put back.
var ErrGone = errors.New("the resource no longer exists")

// Permanent marks an error that no retry will mend: bad input, a call that the
// API refuses for good. The event is recorded and dead-lettered. Permanent(nil)
// is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent reports whether err, or an error that it wraps, was marked by
// [Permanent]. Of several joined errors all must be permanent: as long as one
// of them may go away, a retry is worth it.
func IsPermanent(err error) bool {
	switch e := err.(type) { //nolint:errorlint // it walks the tree itself, because a join counts as a whole
	case nil:
		return false
	case permanent:
		return true
	case interface{ Unwrap() []error }:
		errs := e.Unwrap()
		for _, err := range errs {
			if !IsPermanent(err) {
				return false
			}
		}
		return len(errs) > 0
	}
	return IsPermanent(errors.Unwrap(err))
}

type permanent struct{ err error }

func (p permanent) Error() string { return p.err.Error() }
func (p permanent) Unwrap() error { return p.err }
