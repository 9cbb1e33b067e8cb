"""The test: runs in the middle of the network, where everybody can always be reached."""
import socket
import subprocess
import time

ONE, TWO = '172.23.0.1', '172.23.0.2'


def say(address, word):
    with socket.create_connection((address, 80), timeout=1) as connection, connection.makefile('rw') as file:
        file.write(word + '\n')
        file.flush()
        return int(file.readline())


def network(*words):
    subprocess.run(['vagga', '_network', *words], check=True)


def wait_for(address, count, seconds=10):
    end = time.monotonic() + seconds
    while True:
        try:
            found = say(address, 'SUM')
        except OSError:
            found = None
        if found == count:
            return
        assert time.monotonic() < end, f'{address} has {found} instead of {count}'
        time.sleep(0.02)


wait_for(ONE, 0)
wait_for(TWO, 0)
say(ONE, 'ADD')
wait_for(TWO, 1)
print('together: what one counts, two knows')

network('disjoint', 'one', '--', 'two')
say(ONE, 'ADD')
say(TWO, 'ADD')
say(TWO, 'ADD')
time.sleep(0.5)  # ten times as long as the news needs when it can travel
assert (say(ONE, 'SUM'), say(TWO, 'SUM')) == (2, 3)
print('parted: each goes on counting alone')

network('fullmesh')
wait_for(ONE, 4)
wait_for(TWO, 4)
print('together again: nothing was lost')
