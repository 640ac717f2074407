enum PlaceholderObservability {}
