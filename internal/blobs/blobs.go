// Package blobs keeps bytes under keys and hands out links to them that end by themselves.
//
// A store lives in a folder (file://) or in an object store (s3://, and gs:// and azblob://
// in builds with the tags storage_gs and storage_azure), opened by one URL. Object stores
// are reached through gocloud.dev/blob. The folder is our own: gocloud's does not sync
// what it writes, and its listing walks the whole folder once per thousand objects.
//
// A key is written once and never changed; its content type is stored by object stores,
// and carried by the links of a folder.
package blobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// SigningWindow is how long a link to the same blob stays the same text, so that answers
// and browser caches may be reused. A link lives up to this much longer than asked for.
const SigningWindow = 5 * time.Minute

var (
	// ErrKey is returned for a key that is not made of plain names joined by slashes.
	ErrKey = errors.New("blob key is not valid")
	// ErrFull is returned by Put when the place has no room left.
	ErrFull = errors.New("blob storage is full")
)

// Config is what a store needs beyond its URL.
type Config struct {
	// SigningKey signs the links of a folder. At least 32 bytes; not used by object stores.
	SigningKey []byte
	// BaseURL is where [Store.Handler] is reached, without "/blobs". Not used by object
	// stores.
	BaseURL string
	// Now is the clock links expire by. Default: the system's.
	Now func() time.Time
}

// Object is one entry of a listing.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
}

// place is where the bytes are: a folder or a bucket. Keys have been checked.
type place interface {
	put(ctx context.Context, key, contentType string, data []byte) error
	reader(ctx context.Context, key string) (io.ReadCloser, error)
	remove(ctx context.Context, key string) error
	list(ctx context.Context, prefix string) iter.Seq2[Object, error]
	link(ctx context.Context, l link) (string, error)
	handler() http.Handler
	check(ctx context.Context) error
	close() error
}

// Store is an open store, safe for use from many goroutines.
type Store struct {
	place  place
	now    func() time.Time
	prefix string // path that links of a folder begin with; empty for an object store
}

// Open opens the store at rawURL: file:///absolute/folder, file://./relative/folder (made
// if missing), s3://bucket?region=…, gs://bucket, azblob://container. The parameters of the
// last three are gocloud.dev/blob's. An object store is not contacted: see [Store.Check].
func Open(ctx context.Context, rawURL string, config Config) (*Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("storage URL: %w", err)
	}
	if config.Now == nil {
		config.Now = wall
	}
	var p place
	switch u.Scheme {
	case "file":
		p, err = openFolder(u, config)
	case "s3", "gs", "azblob":
		p, err = openBucket(ctx, u)
	default:
		err = errors.New("the scheme must be file, s3, gs or azblob")
	}
	if err != nil {
		return nil, fmt.Errorf("open storage %s: %w", u.Redacted(), err)
	}
	store := &Store{place: p, now: config.Now}
	if f, ok := p.(*folder); ok {
		store.prefix = f.signer.path + blobsPath
	}
	return store, nil
}

// Put stores data under key, replacing what was there. Once it returns nil the bytes
// survive a crash of the machine; until then a reader sees all of them or none.
//
// Errors: [ErrKey], [ErrFull], or the place's.
func (s *Store) Put(ctx context.Context, key, contentType string, data []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := s.place.put(ctx, key, contentType, data); err != nil {
		return fmt.Errorf("put blob %s (%d bytes): %w", key, len(data), err)
	}
	return nil
}

// Get reads the whole of a blob. A missing one is [fs.ErrNotExist].
func (s *Store) Get(ctx context.Context, key string) ([]byte, error) {
	r, err := s.Reader(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", key, err)
	}
	return data, nil
}

// Reader opens a blob for reading; the caller closes it. A missing one is
// [fs.ErrNotExist].
func (s *Store) Reader(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	r, err := s.place.reader(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", key, err)
	}
	return r, nil
}

// Delete removes a blob for good: in a folder it is synced, and folders left empty go too.
// Removing what is not there is no error.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := s.place.remove(ctx, key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob %s: %w", key, err)
	}
	return nil
}

// List yields the blobs whose key begins with prefix, in no particular order. It ends
// after the first error. Blobs put or deleted meanwhile may or may not appear.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for object, err := range s.place.list(ctx, prefix) {
			if err != nil {
				yield(Object{}, fmt.Errorf("list blobs %q: %w", prefix, err))
				return
			}
			if !yield(object, nil) {
				return
			}
		}
	}
}

// link is what a link is made of.
type link struct {
	key, contentType, filename string
	signed, expires            time.Time
}

// SignedURL gives a link that reads the blob without credentials, and says when it ends:
// at least ttl from now and at most [SigningWindow] later than that. Within one window it
// is the same text. It does not look whether the blob is there. name, if not empty, is
// what browsers save the file as.
//
// contentType is what a folder serves the blob as if it is a picture's; an object store
// goes by what it was put with. S3 and Google end links after 7 days, and S3 when the
// credentials they were signed with end, if those are temporary.
func (s *Store) SignedURL(ctx context.Context, key, contentType, name string, ttl time.Duration) (signed string, expires time.Time, err error) {
	if err := checkKey(key); err != nil {
		return "", time.Time{}, err
	}
	now := s.now()
	l := link{key: key, contentType: contentType, filename: name, signed: now.Truncate(SigningWindow), expires: expiry(now, ttl)}
	if _, remote := s.place.(*bucket); remote {
		l.expires = earlier(l.expires, l.signed.Add(maxLinkLife))
	}
	signed, err = s.place.link(ctx, l)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign link to blob %s: %w", key, err)
	}
	return signed, l.expires, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Handler serves the links of a folder, under BaseURL + "/blobs/". An object store serves
// its own; for one it answers 404. Prefer [Store.Mount].
func (s *Store) Handler() http.Handler { return s.place.handler() }

// Mount puts the links of a folder in front of next. [http.ServeMux] would answer a link
// with "//" or ".." in it by a redirect to the link as it should be; here it is refused.
func (s *Store) Mount(next http.Handler) http.Handler {
	if s.prefix == "" {
		return next
	}
	links := s.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(path.Clean("/"+r.URL.Path), s.prefix) {
			links.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Check says whether the place can be used at this moment.
func (s *Store) Check(ctx context.Context) error { return s.place.check(ctx) }

// Close lets go of the place.
func (s *Store) Close() error { return s.place.close() }

// checkKey accepts plain names of letters, digits, '-', '_' and '.', that do not begin with
// a dot, joined by single slashes. So a key needs no escaping anywhere, cannot leave its
// folder, and has one spelling.
func checkKey(key string) error {
	if len(key) > 512 {
		return fmt.Errorf("%w: %d bytes", ErrKey, len(key))
	}
	for name := range strings.SplitSeq(key, "/") {
		if name == "" || name[0] == '.' || strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) >= 0 {
			return fmt.Errorf("%w: %.80q", ErrKey, key)
		}
	}
	return nil
}

func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
}

// expiry is the end of the signing window that ttl from now falls into.
func expiry(now time.Time, ttl time.Duration) time.Time {
	end := now.Add(ttl)
	if rounded := end.Truncate(SigningWindow); rounded.Before(end) {
		return rounded.Add(SigningWindow)
	}
	return end
}
