//go:build storage_azure

package blobs

import _ "gocloud.dev/blob/azureblob" // azblob://
