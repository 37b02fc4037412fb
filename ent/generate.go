// Package ent holds the generated model; schema/ is written by hand.
package ent

//go:generate go run ./entc.go
