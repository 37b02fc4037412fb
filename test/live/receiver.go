package live

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Delivery is a webhook as it came.
type Delivery struct {
	Header http.Header
	Body   []byte
	At     time.Time

	// Answer lets the sender go with this status; 0 breaks the connection off. It must be called
	// once, and never blocks.
	Answer func(status int)
}

// Receiver is a webhook endpoint of a customer's.
type Receiver struct {
	URL        string
	Deliveries chan Delivery // in the order they came

	server *http.Server
}

// Receive starts a receiver. now is the clock that Delivery.At is read from.
func Receive(ctx context.Context, now func() time.Time) (*Receiver, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a receiver: %w", err)
	}
	r := &Receiver{URL: "http://" + l.Addr().String() + "/hook", Deliveries: make(chan Delivery, 1000)}
	r.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		at := now()
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // the sender died while sending: nothing was delivered
		}
		answer := make(chan int, 1)
		r.Deliveries <- Delivery{Header: req.Header, Body: body, At: at, Answer: func(status int) { answer <- status }}
		select {
		case status := <-answer:
			if status == 0 {
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(status)
		case <-req.Context().Done(): // the sender is gone
		}
	})}
	go func() { _ = r.server.Serve(l) }()
	return r, nil
}

// Close ends the receiver and whoever waits for its answer.
func (r *Receiver) Close() error { return r.server.Close() }
