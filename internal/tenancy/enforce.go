package tenancy

import "headroom/ent"

func Enforce(c *ent.Client) {}
