// Package graph is the API: the SDL in schema/, thin resolvers over ent and headshot, and the
// transports, limits and permissions in front of them.
package graph

// Resolver is the root of the resolvers.
type Resolver struct{}
