package headshot

import (
	"context"
	"mime"
	"strings"
	"time"

	"headroom/ent"
)

// Lifetimes of image URLs: for readers of the API, and inside webhook bodies, where they outlive the
// retry schedule.
const (
	ImageURLLifetime   = 15 * time.Minute
	WebhookURLLifetime = 7 * 24 * time.Hour
)

type lifetimeKey struct{}

// WithURLLifetime makes image URLs signed under ctx live for d.
func WithURLLifetime(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, lifetimeKey{}, d)
}

// ImageURL signs a URL for a stored picture and says until when it works.
func (s *Service) ImageURL(ctx context.Context, img *ent.Image) (string, time.Time, error) {
	ttl, ok := ctx.Value(lifetimeKey{}).(time.Duration)
	if !ok {
		ttl = ImageURLLifetime
	}
	url, expires, err := s.Blobs.SignedURL(ctx, img.BlobKey, img.ContentType, fileName(img), ttl)
	if err != nil {
		return "", time.Time{}, s.fault("sign image URL", err)
	}
	return url, expires, nil
}

// fileName is what a browser saves the picture as.
func fileName(img *ent.Image) string {
	ext := ".jpg"
	if e, err := mime.ExtensionsByType(img.ContentType); err == nil && len(e) > 0 && img.ContentType != "image/jpeg" {
		ext = e[0]
	}
	return strings.ToLower(string(img.Kind)) + "-" + img.Name + ext
}

// ShownImages picks the pictures of a submission that callers see: the original and those of the last
// complete revision, so that a reprocess never takes a headshot away.
func ShownImages(sub *ent.Submission, all []*ent.Image) []*ent.Image {
	out := make([]*ent.Image, 0, len(all))
	for _, img := range all {
		own := img.RevisionID == nil
		last := img.RevisionID != nil && sub.CompleteRevisionID != nil && *img.RevisionID == *sub.CompleteRevisionID
		if own || last {
			out = append(out, img)
		}
	}
	return out
}
