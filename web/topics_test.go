package web_test

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"headroom/internal/events"
)

func TestEveryTopicIsOffered(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	b := s.member()
	a := b.get("/account/developers")
	b.want(a, http.StatusOK)
	var offered []string
	for _, m := range regexp.MustCompile(`name="topic" value="(\w+)"`).FindAllStringSubmatch(a.body, -1) {
		offered = append(offered, m[1])
	}
	var want []string
	for _, topic := range events.Topics() {
		if topic != events.Test { // it has a button of its own
			want = append(want, string(topic))
		}
	}
	if !slices.Equal(offered, want) {
		t.Errorf("offered %v\nwant %v", offered, want)
	}
}
