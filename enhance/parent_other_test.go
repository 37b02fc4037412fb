//go:build !linux

package enhance_test

const parentArg = "enhance-parent"

func parent() {}
