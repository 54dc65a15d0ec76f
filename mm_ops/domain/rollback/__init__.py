"""Alert, policy and history in; one decision out. Then the stop itself, over protocols, and the way back."""
