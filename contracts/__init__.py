"""What crosses a process boundary: messages, results, closed sets, the orders table, the rules."""
