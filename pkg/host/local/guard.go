package local

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"strings"
)

// guard keeps what carries authority, or tells of it, for those who may.
//
// With a token it asks for it. Without one it lets in only what came straight
// from this machine: the host listens on a loopback address, the request names
// one (so no page can get in by a DNS name that resolves to loopback), no proxy
// has passed it on, and no other site's page in a browser has sent it.
type guard struct {
	token    [sha256.Size]byte
	hasToken bool
	loopback bool
	origin   *http.CrossOriginProtection
}

func newGuard(token string, addr net.Addr) guard {
	tcp, ok := addr.(*net.TCPAddr)
	return guard{
		token: sha256.Sum256([]byte(token)), hasToken: token != "",
		loopback: ok && tcp.IP.IsLoopback(), origin: http.NewCrossOriginProtection(),
	}
}

var (
	errWrongToken = errors.New("a bearer token is required: send the header Authorization: Bearer TOKEN with the configured token")
	errNoToken    = errors.New("this is open to loopback only, because no bearer token is configured: set a token (--token or EBB_TOKEN), or listen on 127.0.0.1 and call it there directly")
)

func (g guard) protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case g.hasToken && !g.knows(r.Header.Get("Authorization")):
			w.Header().Set("WWW-Authenticate", `Bearer realm="ebb"`)
			refuse(w, http.StatusUnauthorized, errWrongToken)
		case !g.hasToken && (!g.direct(r) || g.origin.Check(r) != nil):
			refuse(w, http.StatusForbidden, errNoToken)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// knows compares digests, so that neither content nor length shows in the time it takes.
func (g guard) knows(header string) bool {
	scheme, token, ok := strings.Cut(header, " ")
	sum := sha256.Sum256([]byte(token))
	return ok && strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1
}

// open reports whether what is only read may be read by whoever asks.
func (g guard) open(r *http.Request) bool { return !g.hasToken && g.direct(r) }

// direct reports whether the host listens to this machine alone and the request
// came straight from it.
func (g guard) direct(r *http.Request) bool { return g.loopback && straight(r) }

// straight reports whether a request names this machine and no proxy has passed it on.
func straight(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	name := r.Host
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	name = strings.Trim(name, "[]")
	ip := net.ParseIP(name)
	return strings.EqualFold(name, "localhost") || ip != nil && ip.IsLoopback()
}
