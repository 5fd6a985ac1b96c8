"""Mails to students: written with what they tell, sent when a mail server takes them."""
