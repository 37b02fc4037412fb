// Package host tells on what a measurement was made: the machine, how busy it was, the program's
// revision; and how much memory a process took. Linux only where it reads /proc.
package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Machine names processors, memory, system and compiler.
func Machine() string {
	model, memory := runtime.GOARCH, "unknown memory"
	if value, ok := field("/proc/cpuinfo", "model name"); ok {
		model = value
	}
	if value, ok := field("/proc/meminfo", "MemTotal"); ok {
		if kB, err := kilobytes(value); err == nil {
			memory = strconv.FormatInt(kB>>20, 10) + " GiB"
		}
	}
	return fmt.Sprintf("%d × %s, %s, %s/%s, %s", runtime.NumCPU(), model, memory, runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// Load is how busy the machine was in the last minute: numbers of a busy one say little.
func Load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

// Revision is what git calls the state of the tree at root.
func Revision(ctx context.Context, root string) string {
	out, err := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// Peak is VmHWM, the most resident memory a process has had, in bytes.
func Peak(pid int) (int64, error) {
	path := fmt.Sprintf("/proc/%d/status", pid)
	value, ok := field(path, "VmHWM")
	if !ok {
		return 0, fmt.Errorf("peak memory: %s has no VmHWM", path)
	}
	kB, err := kilobytes(value)
	if err != nil {
		return 0, fmt.Errorf("peak memory: %s: %w", path, err)
	}
	return kB << 10, nil
}

// Median is the middle one, or the higher of the two.
func Median(d []time.Duration) time.Duration { return slices.Sorted(slices.Values(d))[len(d)/2] }

// field is the first value with this name in a file of "name : value" lines.
func field(path, name string) (string, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), true
		}
	}
	return "", false
}

func kilobytes(value string) (int64, error) {
	return strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
}
