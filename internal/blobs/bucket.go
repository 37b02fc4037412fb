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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob" // s3://
	"gocloud.dev/gcerrors"
)

// maxLinkLife is the longest that S3 and Google Cloud Storage sign a link for.
const maxLinkLife = 7 * 24 * time.Hour

// bucket keeps blobs in an object store. A PUT that is answered is durable there.
type bucket struct {
	bucket *blob.Bucket
	name   string
}

func openBucket(ctx context.Context, u *url.URL) (*bucket, error) {
	if !blob.DefaultURLMux().ValidBucketScheme(u.Scheme) {
		return nil, fmt.Errorf("this build has no driver for %s://; build with -tags storage_gs,storage_azure", u.Scheme)
	}
	b, err := blob.DefaultURLMux().OpenBucketURL(ctx, u)
	if err != nil {
		return nil, err
	}
	return &bucket{bucket: b, name: u.Host}, nil
}

func (b *bucket) put(ctx context.Context, key, contentType string, data []byte) error {
	// WriteAll sends the MD5 along, so a body that was cut or changed is refused there.
	return notExist(b.bucket.WriteAll(ctx, key, data, &blob.WriterOptions{ContentType: contentType}))
}

func (b *bucket) reader(ctx context.Context, key string) (io.ReadCloser, error) {
	r, err := b.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, notExist(err)
	}
	return r, nil
}

func (b *bucket) remove(ctx context.Context, key string) error {
	return notExist(b.bucket.Delete(ctx, key))
}

// notExist gives a missing object the standard library's name.
func notExist(err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

func (b *bucket) list(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		page := b.bucket.List(&blob.ListOptions{Prefix: prefix})
		for {
			object, err := page.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Object{}, err)
				return
			}
			if !yield(Object{Key: object.Key, Size: object.Size, Modified: object.ModTime}, nil) {
				return
			}
		}
	}
}

func (b *bucket) link(ctx context.Context, l link) (string, error) {
	life := l.expires.Sub(l.signed)
	var client *s3.Client
	if !b.bucket.As(&client) {
		return b.bucket.SignedURL(ctx, l.key, &blob.SignedURLOptions{Expiry: life})
	}
	// Signed as of the start of the signing window, which gocloud cannot, so that the link
	// is the same text all through it.
	in := &s3.GetObjectInput{Bucket: aws.String(b.name), Key: aws.String(l.key)}
	if l.filename != "" {
		in.ResponseContentDisposition = aws.String(disposition(l.contentType, l.filename))
	}
	presigner := s3.NewPresignClient(client, s3.WithPresignExpires(life), func(o *s3.PresignOptions) {
		o.Presigner = signedAt{time: l.signed, signer: v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}
	})
	request, err := presigner.PresignGetObject(ctx, in)
	if err != nil {
		return "", err
	}
	return request.URL, nil
}

// signedAt signs with a time of its own instead of the clock's.
type signedAt struct {
	time   time.Time
	signer *v4.Signer
}

// PresignHTTP implements [s3.HTTPPresignerV4].
func (s signedAt) PresignHTTP(
	ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash, service, region string,
	_ time.Time, options ...func(*v4.SignerOptions),
) (string, http.Header, error) {
	return s.signer.PresignHTTP(ctx, credentials, r, payloadHash, service, region, s.time, options...)
}

func (b *bucket) handler() http.Handler { return http.NotFoundHandler() }

func (b *bucket) check(ctx context.Context) error {
	ok, err := b.bucket.IsAccessible(ctx)
	if err == nil && !ok {
		err = errors.New("the bucket is not there")
	}
	return err
}

func (b *bucket) close() error { return b.bucket.Close() }
