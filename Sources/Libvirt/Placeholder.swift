enum PlaceholderLibvirt {}
