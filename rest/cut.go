package rest

import (
	"bytes"
	"slices"
)

// Bodies are cut out of the executor's answer, which is valid JSON: nothing is decoded and written
// anew, so a body has the bytes the executor made, and costs a scan of what stands before it.

// find gives the bytes of the value at path: a key for each object, `0` for the first element of an
// array. It gives nil when there is none.
func find(raw []byte, path ...string) []byte {
	at := space(raw, 0)
	for _, key := range path {
		if at >= len(raw) {
			return nil
		}
		next := -1
		switch raw[at] {
		case '{':
			next = member(raw, at, key)
		case '[':
			if first := space(raw, at+1); key == "0" && first < len(raw) && raw[first] != ']' {
				next = first
			}
		}
		if next < 0 {
			return nil
		}
		at = next
	}
	return raw[at:value(raw, at)]
}

// member gives where the value of key begins in the object at i, or -1.
func member(raw []byte, i int, key string) int {
	for i = space(raw, i+1); i < len(raw) && raw[i] == '"'; {
		end := value(raw, i)
		name := raw[i+1 : max(end-1, i+1)]
		i = space(raw, space(raw, end)+1) // behind the colon
		if string(name) == key {
			return i
		}
		i = space(raw, value(raw, i))
		if i >= len(raw) || raw[i] != ',' {
			return -1
		}
		i = space(raw, i+1)
	}
	return -1
}

// value gives where the value at i ends.
func value(raw []byte, i int) int {
	for depth := 0; i < len(raw); {
		switch raw[i] {
		case '"':
			i = text(raw, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\n', '\t', '\r': // only within an object or array
			i++
		default:
			i = word(raw, i)
		}
		if depth == 0 {
			return min(i, len(raw))
		}
	}
	return len(raw)
}

// word gives where the number, true, false or null at i ends.
func word(raw []byte, i int) int {
	if end := bytes.IndexAny(raw[i:], ",:]} \t\r\n"); end >= 0 {
		return i + end
	}
	return len(raw)
}

// text gives where the text at i ends, its closing quote included.
func text(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		switch raw[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(raw)
}

func space(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r') {
		i++
	}
	return i
}

// join puts further members, cut from payload by their keys, at the end of object.
func join(object, payload []byte, keys []string) []byte {
	if len(keys) == 0 {
		return object
	}
	out := slices.Clone(object[:len(object)-1])
	for _, key := range keys {
		out = append(out, `,"`+key+`":`...)
		out = append(out, find(payload, key)...)
	}
	return append(out, '}')
}
