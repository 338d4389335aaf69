// Sends the form of the page that leads back to the service. Without JavaScript its button does.
document.querySelector("form[data-autosubmit]").submit();
