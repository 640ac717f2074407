enum PlaceholderGantryClient {}
