// Package auth turns credentials into actors: API keys, portal sessions and capture tokens. It also
// holds the server's secret key, from which every other key derives, one purpose each.
package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Keys derives one key per purpose (HKDF-SHA256) from the server's secret key.
type Keys struct{ secret []byte }

// SecretKeySize is the length of the server's secret key in bytes.
const SecretKeySize = 32

// NewSecretKey makes a secret key in the form that ParseKeys reads.
func NewSecretKey() (string, error) {
	b := make([]byte, SecretKeySize)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make a secret key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

// ParseKeys reads a secret key: 32 bytes in base64.
func ParseKeys(text string) (*Keys, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != SecretKeySize {
		return nil, errors.New("the secret key must be 32 bytes in base64")
	}
	return &Keys{secret: b}, nil
}

func (k *Keys) derive(purpose string) []byte {
	b, err := hkdf.Key(sha256.New, k.secret, nil, "headroom/"+purpose, SecretKeySize)
	if err != nil { // only for impossible lengths
		panic(fmt.Sprintf("auth: derive %s: %v", purpose, err))
	}
	return b
}

// Cursor is the key that authenticates list cursors.
func (k *Keys) Cursor() []byte { return k.derive("cursor") }

// URLs is the key that signs URLs of stored pictures.
func (k *Keys) URLs() []byte { return k.derive("urls") }

// CaptureToken derives the token of a studio session's link, so that the link can be shown again
// without storing it. Raising generation makes another token.
func (k *Keys) CaptureToken(sessionID string, generation int) string {
	m := hmac.New(sha256.New, k.derive("capture"))
	m.Write([]byte(sessionID + "|" + strconv.Itoa(generation)))
	n := new(big.Int).SetBytes(m.Sum(nil))
	return capturePrefix + base62(n, captureLength)
}

// Seal encrypts a secret for storage (AES-256-GCM, nonce first). rowID is bound to it, so that a
// ciphertext copied to another row does not open.
func (k *Keys) Seal(rowID string, plain []byte) ([]byte, error) {
	gcm, err := k.gcm()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return gcm.Seal(nonce, nonce, plain, []byte(rowID)), nil
}

// Open decrypts what Seal made for the same row.
func (k *Keys) Open(rowID string, sealed []byte) ([]byte, error) {
	gcm, err := k.gcm()
	if err != nil {
		return nil, err
	}
	if len(sealed) < gcm.NonceSize() {
		return nil, errors.New("open: ciphertext too short")
	}
	plain, err := gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], []byte(rowID))
	if err != nil {
		return nil, fmt.Errorf("open the secret of %s (was the server's secret key changed?): %w", rowID, err)
	}
	return plain, nil
}

func (k *Keys) gcm() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.derive("webhooks"))
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	return cipher.NewGCM(block)
}
