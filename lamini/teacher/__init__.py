"""Teachers: whoever writes instructions and answers them (paper §3).

The embedded oracle lives in `oracle`; the teachers that talk to a server or to local weights stand
beside it behind the same protocol.
"""
