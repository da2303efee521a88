"""What crosses a process boundary: messages, results, closed sets and the words for them."""
