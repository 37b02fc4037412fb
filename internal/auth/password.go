package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Password limits, in bytes. The upper one keeps a huge password from costing memory and time.
const (
	MinPassword = 10
	MaxPassword = 1024
)

// argon2id parameters: memory and passes of RFC 9106's second recommendation, on half its lanes.
const (
	argonTime    = 3
	argonMemory  = 64 * 1024 // KiB
	argonLanes   = 2
	argonKeySize = 32
	saltSize     = 16
)

// HashPassword returns the argon2id hash of password in PHC form.
func HashPassword(password string) (string, error) {
	if len(password) < MinPassword || len(password) > MaxPassword {
		return "", fmt.Errorf("a password has %d to %d characters", MinPassword, MaxPassword)
	}
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	sum := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKeySize)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(sum)), nil
}

// CheckPassword compares password with a hash that HashPassword made, in constant time. An empty hash
// costs as much time as a real one and is never equal, so that log-in times do not tell who exists.
func CheckPassword(hash, password string) bool {
	if len(password) > MaxPassword {
		return false
	}
	salt, sum, err := splitHash(hash)
	if err != nil {
		argon2.IDKey([]byte(password), make([]byte, saltSize), argonTime, argonMemory, argonLanes, argonKeySize)
		return false
	}
	got := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKeySize)
	return subtle.ConstantTimeCompare(got, sum) == 1
}

func splitHash(hash string) (salt, sum []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", argonMemory, argonTime, argonLanes) {
		return nil, nil, errors.New("not a password hash of ours")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return nil, nil, fmt.Errorf("password salt: %w", err)
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return nil, nil, fmt.Errorf("password hash: %w", err)
	}
	return salt, sum, nil
}
