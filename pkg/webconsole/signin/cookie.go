package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The cookies. With TLS their names have a prefix by which browsers hold them to
// this host and to TLS.
const (
	sessionCookie = "ebb_session"
	flowCookie    = "ebb_sign_in"
)

// sealer encrypts and signs.
type sealer struct{ aead cipher.AEAD }

func newSealer(key [32]byte) (sealer, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

// seal gives v so that only this key can read it, and only under this name.
func (s sealer) seal(name string, v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode cookie %s: %w", name, err)
	}
	// The nonce is none of ours to give: the AEAD draws one for each seal.
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, b, []byte(name))), nil // #nosec G407
}

// open is the inverse of seal; false for what this key has not sealed.
func (s sealer) open(name, text string, v any) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	plain, err := s.aead.Open(nil, nil, b, []byte(name))
	return err == nil && json.Unmarshal(plain, v) == nil
}

// secure reports whether people reach the console through TLS.
func (d *Desk) secure(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(d.opts.URL, "https://")
}

func (d *Desk) cookieName(r *http.Request, name string) string {
	if d.secure(r) {
		return "__Host-" + name
	}
	return name
}

func (d *Desk) write(w http.ResponseWriter, r *http.Request, name string, v any, last time.Duration) error {
	text, err := d.seal.seal(name, v)
	if err != nil {
		return err
	}
	d.set(w, r, name, text, int(last.Seconds()))
	return nil
}

func (d *Desk) set(w http.ResponseWriter, r *http.Request, name, value string, seconds int) {
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure wherever there is TLS
		Name: d.cookieName(r, name), Value: value, Path: "/", MaxAge: seconds,
		HttpOnly: true, Secure: d.secure(r),
		SameSite: http.SameSiteLaxMode, // not Strict: the way back from the provider would arrive without it
	})
}

func (d *Desk) read(r *http.Request, name string, v any) bool {
	c, err := r.Cookie(d.cookieName(r, name))
	return err == nil && d.seal.open(name, c.Value, v)
}

func (d *Desk) drop(w http.ResponseWriter, r *http.Request, name string) { d.set(w, r, name, "", -1) }
