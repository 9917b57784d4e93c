"""The OpenAPI document as a page: HTML and a style sheet, no scripts."""
