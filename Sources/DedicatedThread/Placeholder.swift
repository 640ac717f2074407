enum PlaceholderDedicatedThread {}
