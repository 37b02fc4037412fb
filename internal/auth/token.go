package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
)

const (
	alphabet      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	livePrefix    = "hr_live_"
	testPrefix    = "hr_test_"
	keyRandom     = 30
	keyChecksum   = 6
	capturePrefix = "cs_"
	captureLength = 22
)

// ErrMalformedKey is what a key of the wrong form or with a broken checksum gives; the database was not asked.
var ErrMalformedKey = errors.New("not an API key: its form or checksum is wrong")

// base62 writes the lowest digits of n, padded left with 0.
func base62(n *big.Int, digits int) string {
	n, base, rest := new(big.Int).Set(n), big.NewInt(int64(len(alphabet))), new(big.Int)
	out := make([]byte, digits)
	for i := digits - 1; i >= 0; i-- {
		n.DivMod(n, base, rest)
		out[i] = alphabet[rest.Int64()]
	}
	return string(out)
}

func checksum(random string) string {
	return base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(random)))), keyChecksum)
}

// NewAPIKey makes a key for a live or a test account: prefix, 30 random base62 characters, and 6 of
// checksum (CRC-32, IEEE, of the random part).
func NewAPIKey(test bool) (string, error) {
	limit := new(big.Int).Exp(big.NewInt(int64(len(alphabet))), big.NewInt(keyRandom), nil)
	n, err := rand.Int(rand.Reader, limit)
	if err != nil {
		return "", fmt.Errorf("make an API key: %w", err)
	}
	random := base62(n, keyRandom)
	prefix := livePrefix
	if test {
		prefix = testPrefix
	}
	return prefix + random + checksum(random), nil
}

// CheckAPIKey refuses a key whose form or checksum is wrong, and says whether it is a test key.
func CheckAPIKey(key string) (test bool, err error) {
	rest, live := strings.CutPrefix(key, livePrefix)
	if !live {
		if rest, test = strings.CutPrefix(key, testPrefix); !test {
			return false, ErrMalformedKey
		}
	}
	if len(rest) != keyRandom+keyChecksum || rest[keyRandom:] != checksum(rest[:keyRandom]) {
		return false, ErrMalformedKey
	}
	return test, nil
}

// Hash is how tokens and keys are stored and looked up: hex SHA-256.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Hint shows people which key is meant without giving it away: its prefix and last four characters.
func Hint(key string) string {
	if len(key) < len(livePrefix)+4 {
		return ""
	}
	return key[:len(livePrefix)] + "…" + key[len(key)-4:]
}

var captureForm = regexp.MustCompile(`^cs_[0-9A-Za-z]{22}$`)

// IsCaptureToken says whether token has the form of a capture token.
func IsCaptureToken(token string) bool { return captureForm.MatchString(token) }
