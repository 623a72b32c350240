package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
)

// HMAC is the most common proof: one header holds a keyed hash of the body as
// it was sent. The value fixes the header, the hash and the encoding, so the
// sender chooses none of them. The zero value refuses everything.
type HMAC struct {
	Header  string                       // the only header that is looked at
	Prefix  string                       // what stands before the digest: "sha256="
	Hash    func() hash.Hash             // of the digest
	Decode  func(string) ([]byte, error) // of the digest's text: hex.DecodeString, base64.StdEncoding.DecodeString
	Secrets []string                     // any of them proves a delivery: the current one, and the one before it while it is replaced
}

// GitHub is the proof on GitHub's deliveries. The older X-Hub-Signature (SHA-1)
// that GitHub sends beside it is not looked at.
//
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func GitHub(secrets ...string) HMAC {
	return HMAC{"X-Hub-Signature-256", "sha256=", sha256.New, hex.DecodeString, secrets}
}

// Gitea is the proof on the deliveries of Gitea and Forgejo.
//
// https://docs.gitea.com/usage/repository/webhooks
func Gitea(secrets ...string) HMAC {
	return HMAC{"X-Gitea-Signature", "", sha256.New, hex.DecodeString, secrets}
}

// Bitbucket is the proof on the deliveries of Bitbucket, Cloud and Data Center.
//
// https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
func Bitbucket(secrets ...string) HMAC {
	return HMAC{"X-Hub-Signature", "sha256=", sha256.New, hex.DecodeString, secrets}
}

// Validate reports whether the scheme can prove anything: an [*Error] with
// [Unconfigured] when there is no secret, or an empty one among them. Hosts call
// it when they start; Verify refuses every delivery until it is nil.
func (h HMAC) Validate() error {
	if h.Header == "" || h.Hash == nil || h.Decode == nil {
		return Refuse(Unconfigured, "the signature scheme is not configured")
	}
	if len(h.Secrets) == 0 {
		return Refuse(Unconfigured, "no webhook secret is set: %s can't be checked", h.Header)
	}
	for i, s := range h.Secrets {
		if s == "" {
			// Anyone can sign with the empty key.
			return Refuse(Unconfigured, "webhook secret %d of %d is empty: %s can't be checked", i+1, len(h.Secrets), h.Header)
		}
	}
	return nil
}

// Verify reports whether one of the secrets signed exactly this body: nil, or
// an [*Error].
func (h HMAC) Verify(header http.Header, body []byte) error {
	if err := h.Validate(); err != nil {
		return err
	}
	got, err := h.digest(header)
	if err != nil {
		return err
	}
	proven := false
	for _, secret := range h.Secrets {
		mac := hmac.New(h.Hash, []byte(secret))
		mac.Write(body)
		// All secrets are tried, so that the time taken doesn't tell which one fits.
		if hmac.Equal(got, mac.Sum(nil)) {
			proven = true
		}
	}
	if !proven {
		return Refuse(Mismatch, "%s doesn't match the body: the sender's secret differs, or the body was changed on the way", h.Header)
	}
	return nil
}

// digest gives the digest that the sender claims, at its full length.
func (h HMAC) digest(header http.Header) ([]byte, error) {
	values := header.Values(h.Header)
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return nil, Refuse(Missing, "header %s is missing: set a secret on the webhook", h.Header)
	case len(values) > 1:
		return nil, Refuse(Ambiguous, "header %s is there %d times", h.Header, len(values))
	}
	text, ok := strings.CutPrefix(values[0], h.Prefix)
	if !ok {
		return nil, Refuse(Malformed, "header %s doesn't start with %q", h.Header, h.Prefix)
	}
	digest, err := h.Decode(text)
	if err != nil {
		// The decoder's own error quotes what was sent.
		return nil, Refuse(Malformed, "header %s doesn't hold an encoded digest", h.Header)
	}
	if want := h.Hash().Size(); len(digest) != want {
		return nil, Refuse(Malformed, "header %s holds %d bytes, a digest has %d", h.Header, len(digest), want)
	}
	return digest, nil
}
