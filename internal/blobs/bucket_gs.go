//go:build storage_gs

package blobs

import _ "gocloud.dev/blob/gcsblob" // gs://
