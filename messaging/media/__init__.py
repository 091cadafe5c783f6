"""Pictures that go out with a text: taken in, cleaned, kept, and fetched by providers from their public address."""
