package enhance_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"headroom/enhance"
)

// parentArg makes this test binary a process with a pool, which prints its worker's id.
const parentArg = "enhance-parent"

func parent() {
	p := pids{slog.DiscardHandler, make(chan int, 1), make(chan bool, 1)}
	pool, err := enhance.NewPool(enhance.PoolConfig{
		Command: []string{os.Args[0], workerArg}, Engine: enhance.Config{ModelsDir: modelsDir, Profile: "standard"}, Logger: slog.New(p),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() { _ = pool.Run(context.Background()) }()
	fmt.Fprintln(os.Stdout, <-p.ready)
	select {}
}

func TestWorkerEndsWithItsParent(t *testing.T) {
	t.Parallel()
	engine(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], parentArg)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(line, err)
	}
	worker, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(worker) }()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	// a pidfd becomes readable when its process ends
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(worker), Events: unix.POLLIN}}, 10_000)
	if err != nil || n != 1 {
		t.Errorf("worker %d outlived its parent by ten seconds: %d, %v", pid, n, err)
	}
}
