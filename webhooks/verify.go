package webhooks

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Why a delivery was not accepted. Test with [errors.Is].
var (
	ErrMissingHeader = errors.New("webhook header missing")
	ErrMalformed     = errors.New("webhook header malformed")
	ErrBadSignature  = errors.New("webhook signature does not match the secret")
	ErrExpired       = errors.New("webhook signature too old")
	ErrNotYetValid   = errors.New("webhook signature from the future")
	ErrHashMismatch  = errors.New("webhook body is not the one that was signed")
	ErrIDMismatch    = errors.New("webhook-id is not the one that was signed")
	ErrIssuer        = errors.New("webhook comes from another installation")
)

const (
	standardTolerance = 5 * time.Minute // as the specification's own libraries

	// Ours are below 1 kB. What is longer is not decoded at all.
	maxToken     = 8 << 10
	maxSignature = 4 << 10
)

type verifyOptions struct {
	now    func() time.Time
	leeway time.Duration
	issuer string
}

// VerifyOption changes how [Verify] and [VerifyStandard] judge.
type VerifyOption func(*verifyOptions)

// WithClock judges times by now instead of the system's clock.
func WithClock(now func() time.Time) VerifyOption { return func(o *verifyOptions) { o.now = now } }

// WithLeeway accepts a delivery that much before and after its time. Without it a clock
// may be 30 s behind or 5 min ahead of ours.
func WithLeeway(d time.Duration) VerifyOption { return func(o *verifyOptions) { o.leeway = d } }

// WithIssuer accepts only deliveries of the installation at that base URL.
func WithIssuer(baseURL string) VerifyOption { return func(o *verifyOptions) { o.issuer = baseURL } }

func newVerifyOptions(opts []VerifyOption) verifyOptions {
	o := verifyOptions{now: wall}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// Verify proves that a delivery was signed with secret (the whole "whsec_…" string), not
// long ago, and that body is the raw body it was signed for. It reads
// X-Authenticity-Token and, so that a receiver may switch at any time of a rotation,
// X-Authenticity-Token-Next.
//
// A delivery is repeated when its answer got lost: act once per Claims.Webhook.ID.
//
// Errors: [ErrMissingHeader], [ErrMalformed], [ErrBadSignature], [ErrExpired],
// [ErrNotYetValid], [ErrHashMismatch], [ErrIDMismatch] (the webhook-id header, when there
// is one, has another id than the token), [ErrIssuer], [ErrSecret].
func Verify(header http.Header, body []byte, secret string, opts ...VerifyOption) (*Claims, error) {
	o := newVerifyOptions(opts)
	key, _, err := secretKeys(secret)
	if err != nil {
		return nil, err
	}
	token := header.Get(HeaderToken)
	if token == "" {
		return nil, fmt.Errorf("%w: %s", ErrMissingHeader, HeaderToken)
	}
	claims, err := parseToken(token, key, o)
	if next := header.Get(HeaderTokenNext); next != "" && errors.Is(err, ErrBadSignature) {
		claims, err = parseToken(next, key, o)
	}
	if err != nil {
		return nil, err
	}
	if !hmac.Equal([]byte(claims.Webhook.Hash), []byte(bodyHash(body))) {
		return nil, ErrHashMismatch
	}
	// The header is not signed by the token, and receivers deduplicate by it.
	if id := header.Get(HeaderID); id != "" && id != claims.Webhook.ID {
		return nil, ErrIDMismatch
	}
	return claims, nil
}

func parseToken(token string, key []byte, o verifyOptions) (*Claims, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("%w: token of %d bytes", ErrMalformed, len(token))
	}
	parserOptions := []jwt.ParserOption{
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithNotBeforeRequired(),
		jwt.WithLeeway(o.leeway),
		jwt.WithTimeFunc(o.now),
	}
	if o.issuer != "" {
		parserOptions = append(parserOptions, jwt.WithIssuer(o.issuer))
	}
	claims := new(Claims)
	_, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return key, nil }, parserOptions...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", tokenFault(err), err)
	}
	return claims, nil
}

// tokenFault says which of our errors stands for the JWT library's. A token of another
// algorithm counts as badly signed, as does one the library cannot check.
func tokenFault(err error) error {
	switch {
	case errors.Is(err, jwt.ErrTokenMalformed):
		return ErrMalformed
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return ErrBadSignature
	case errors.Is(err, jwt.ErrTokenExpired):
		return ErrExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return ErrNotYetValid
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return ErrIssuer
	default:
		return ErrMalformed
	}
}

// VerifyStandard proves the same by the Standard Webhooks headers alone: body and
// webhook-id were signed with secret within five minutes of now.
//
// Errors: as [Verify]; a wrong body is [ErrBadSignature] here.
func VerifyStandard(header http.Header, body []byte, secret string, opts ...VerifyOption) error {
	o := newVerifyOptions(opts)
	_, key, err := secretKeys(secret)
	if err != nil {
		return err
	}
	for _, name := range []string{HeaderID, HeaderTimestamp, HeaderSignature} {
		if header.Get(name) == "" {
			return fmt.Errorf("%w: %s", ErrMissingHeader, name)
		}
	}
	timestamp := header.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || seconds < 0 || seconds > math.MaxUint32 {
		return fmt.Errorf("%w: %s", ErrMalformed, HeaderTimestamp)
	}
	signatures := header.Get(HeaderSignature)
	if len(signatures) > maxSignature {
		return fmt.Errorf("%w: %s of %d bytes", ErrMalformed, HeaderSignature, len(signatures))
	}
	want := standardMAC(key, header.Get(HeaderID), timestamp, body)
	if !anySignature(signatures, want) {
		return ErrBadSignature
	}
	age := o.now().Sub(time.Unix(seconds, 0))
	if age > standardTolerance+o.leeway {
		return ErrExpired
	}
	if age < -standardTolerance-o.leeway {
		return ErrNotYetValid
	}
	return nil
}

// anySignature looks for want in a list such as "v1,<base64> v1,<base64>". Versions it
// does not know are passed over, as the specification asks.
func anySignature(list string, want []byte) bool {
	found := false
	for signature := range strings.FieldsSeq(list) {
		encoded, ok := strings.CutPrefix(signature, "v1,")
		if !ok {
			continue
		}
		got, err := base64.StdEncoding.DecodeString(encoded)
		if err == nil && hmac.Equal(got, want) {
			found = true
		}
	}
	return found
}
