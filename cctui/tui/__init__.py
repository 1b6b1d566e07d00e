"""The Textual face.  Renders the World and sends Commands; touches no file, socket or tmux by itself."""
