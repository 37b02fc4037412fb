// Package webhooks carries one delivery over HTTP: it signs it, sends it without
// letting the target or the answer do harm, and lets a receiver verify it.
//
// A delivery is a POST with a JSON body and two independent proofs of its origin:
//
//   - X-Authenticity-Token: a JWT (HS256) whose key is the UTF-8 bytes of the whole
//     secret as the customer sees it ("whsec_…"), so that it can be pasted into any JWT
//     library. It holds the hash of the body, and has no audience.
//   - webhook-id, webhook-timestamp, webhook-signature as in the Standard Webhooks
//     specification, whose key is the 32 bytes that the base64 after "whsec_" decodes to.
//
// A receiver calls [Verify]. The service makes one [Sender] and calls [Sender.Send] for
// each attempt; when to try again is [NextRetry]'s answer. Nothing here keeps state
// about endpoints: queues, leases and disabling live with the caller.
package webhooks

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Names of the headers that sign a delivery.
const (
	HeaderToken     = "X-Authenticity-Token"
	HeaderTokenNext = "X-Authenticity-Token-Next" // only while a secret is being rotated
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

const (
	secretPrefix = "whsec_"
	secretBytes  = 32
	hashPrefix   = "sha-256:"
)

// ErrSecret is returned for a secret that is not "whsec_" + base64 of 32 bytes. An empty
// environment variable is the usual cause.
var ErrSecret = errors.New("webhook secret is not whsec_ followed by the base64 of 32 bytes")

// Secret is one signing secret of an endpoint.
type Secret struct {
	ID    string // public id, sent as the token's kid
	Value string // "whsec_" + base64 of 32 bytes, shown to the customer once
}

// Message is one event on its way to one endpoint. Body is sent byte for byte.
type Message struct {
	ID       string // evt_…, the same for every attempt and every replay; becomes webhook-id
	Topic    string // SUBMISSION_COMPLETE, …
	Subject  string // what the event is about, a submission's id as a rule
	Endpoint string // whe_…
	Issuer   string // base URL of this installation
	Attempt  int    // from 1
	Body     []byte
}

// NewSecret draws a fresh secret from random, which is [crypto/rand.Reader] outside tests.
func NewSecret(random io.Reader) (string, error) {
	raw := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("draw webhook secret: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(raw), nil
}

// secretKeys gives the two keys that stand for one secret: the text itself for the JWT,
// the decoded bytes for Standard Webhooks.
func secretKeys(value string) (token, standard []byte, err error) {
	encoded, ok := strings.CutPrefix(value, secretPrefix)
	if !ok || len(encoded) != base64.StdEncoding.EncodedLen(secretBytes) { // decoding would pass over line breaks
		return nil, nil, ErrSecret
	}
	standard, err = base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(standard) != secretBytes {
		return nil, nil, ErrSecret // the cause would quote the secret
	}
	return []byte(value), standard, nil
}
