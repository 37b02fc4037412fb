package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// tokenBackdate lets receivers whose clock is behind accept the token: most JWT
	// libraries allow no leeway unless told to.
	tokenBackdate = 30 * time.Second
	tokenLife     = 5 * time.Minute
)

// Claims are what the token in X-Authenticity-Token says.
type Claims struct {
	jwt.RegisteredClaims
	Webhook Delivery `json:"webhook"`
}

// Delivery names the delivery a token was made for, and binds the token to its body.
type Delivery struct {
	Event    string `json:"event"`    // topic
	ID       string `json:"id"`       // evt_…; deduplicate by it
	Endpoint string `json:"endpoint"` // whe_…
	Attempt  int    `json:"attempt"`  // from 1
	Hash     string `json:"hash"`     // "sha-256:" + hex of the raw body
}

// Sign gives the headers that prove msg comes from us, at the time of one attempt.
//
// secrets are in the order they were made: one as a rule, two while a rotation overlaps.
// Then X-Authenticity-Token stays signed with the older, X-Authenticity-Token-Next
// carries the newer one's token, and webhook-signature has both, newer first. Any other
// number is an error, as is a malformed secret ([ErrSecret]).
func Sign(msg Message, now time.Time, secrets ...Secret) (http.Header, error) {
	if len(secrets) < 1 || len(secrets) > 2 {
		return nil, fmt.Errorf("sign %s: %d secrets, want 1 or 2", msg.ID, len(secrets))
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	claims := claimsFor(msg, now)
	header := make(http.Header, 6)
	header.Set(HeaderID, msg.ID)
	header.Set(HeaderTimestamp, timestamp)
	var signatures string
	for i, secret := range secrets {
		tokenKey, standardKey, err := secretKeys(secret.Value)
		if err != nil {
			return nil, fmt.Errorf("sign %s with secret %s: %w", msg.ID, secret.ID, err)
		}
		token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
		token.Header["kid"] = secret.ID
		signed, err := token.SignedString(tokenKey)
		if err != nil {
			return nil, fmt.Errorf("sign %s with secret %s: %w", msg.ID, secret.ID, err)
		}
		standard := "v1," + base64.StdEncoding.EncodeToString(standardMAC(standardKey, msg.ID, timestamp, msg.Body))
		if i == 0 {
			header.Set(HeaderToken, signed)
			signatures = standard
		} else {
			header.Set(HeaderTokenNext, signed)
			signatures = standard + " " + signatures
		}
	}
	header.Set(HeaderSignature, signatures)
	return header, nil
}

func claimsFor(msg Message, now time.Time) Claims {
	valid := jwt.NewNumericDate(now.Add(-tokenBackdate))
	return Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer:    msg.Issuer,
			Subject:   msg.Subject,
			IssuedAt:  valid,
			NotBefore: valid,
			ExpiresAt: jwt.NewNumericDate(now.Add(tokenLife)),
			ID:        msg.ID + ":" + strconv.Itoa(msg.Attempt),
		},
		Webhook: Delivery{
			Event:    msg.Topic,
			ID:       msg.ID,
			Endpoint: msg.Endpoint,
			Attempt:  msg.Attempt,
			Hash:     bodyHash(msg.Body),
		},
	}
}

func bodyHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hashPrefix + hex.EncodeToString(sum[:])
}

// standardMAC signs "id.timestamp.body", as Standard Webhooks 1.0 has it.
func standardMAC(key []byte, id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id))
	mac.Write([]byte{'.'})
	mac.Write([]byte(timestamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}
