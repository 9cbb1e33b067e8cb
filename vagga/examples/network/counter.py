"""A counter with several places to count at: each knows its own count and what it last heard from its peer.

POST adds one here, GET tells the sum. Counts travel every 50 ms, so a place that was cut off catches up.
"""
import contextlib
import socket
import sys
import threading
import time

PORT = 80
name, peer = sys.argv[1:]
counts = {name: 0}
lock = threading.Lock()


def merge(text):
    for word in text.split():
        place, _, count = word.partition('=')
        counts[place] = max(counts.get(place, 0), int(count))


def tell():
    while True:
        time.sleep(0.05)
        with lock:
            text = ' '.join(f'{place}={count}' for place, count in counts.items())
        try:
            with socket.create_connection((peer, PORT), timeout=0.5) as connection:
                connection.sendall(f'MERGE {text}\n'.encode())
        except OSError:
            pass  # said again soon


def answer(connection):
    with connection, connection.makefile('rw') as file:
        word, _, rest = file.readline().strip().partition(' ')
        with lock:
            if word == 'ADD':
                counts[name] += 1
            elif word == 'MERGE':
                merge(rest)
            file.write(f'{sum(counts.values())}\n')


threading.Thread(target=tell, daemon=True).start()
with socket.create_server(('', PORT)) as server, contextlib.suppress(KeyboardInterrupt):
    print(f'{name} counts', flush=True)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=answer, args=[connection], daemon=True).start()
