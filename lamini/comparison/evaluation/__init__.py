"""Behind the chapters overview and evaluation: who is ahead, and is it more than luck."""
